// SPDX-License-Identifier: Apache-2.0
// One update from objects to rules. Each step may mark work for later steps only, so every rule is
// computed once: chains → selectors → pods → functions → routes → addresses → callers.
#include "lib/model/generator.h"

#include <algorithm>

namespace directfaas::model {
namespace {

/// Calls `left` for what is only in `was` and `entered` for what is only in `now`; both sorted.
template <typename T>
void for_difference(const std::vector<T>& was, const std::vector<T>& now, const auto& left,
                    const auto& entered) {
    auto old = was.begin();
    for (const auto& item : now) {
        for (; old != was.end() && *old < item; ++old) {
            left(*old);
        }
        if (old != was.end() && *old == item) {
            ++old;
        } else {
            entered(item);
        }
    }
    std::for_each(old, was.end(), left);
}

}  // namespace

RuleDelta Generator::update(std::span<const ObjectChange> changes, std::vector<Problem>& problems) {
    RuleDelta delta;
    Pass pass{{}, RuleWriter(rules_, delta), {}};
    index(changes, pass.dirty);
    ChainSet changed;
    for (const auto& change : changes) {
        if (change.after != nullptr && std::holds_alternative<FunctionChain>(*change.after)) {
            changed.insert(&std::get<FunctionChain>(*change.after));
        }
    }
    for (const auto& ns : pass.dirty.namespaces) {
        rebuild(ns, changed, pass, problems);
    }
    mark_functions(changes, pass.dirty);
    refresh(pass);
    pass.write.finish();
    check(pass.dirty, problems);
    return delta;
}

RuleDelta Generator::set_link(const ObjectName& pod, std::optional<Link> link) {
    RuleDelta delta;
    Pass pass{{}, RuleWriter(rules_, delta), {}};
    auto& addresses = pass.dirty.addresses;
    if (const auto old = links_.find(pod); old != links_.end()) {
        for (const auto& address : old->second.told_addresses) {
            told_.erase({address, pod});
            addresses.push_back(address);
        }
        links_.erase(old);
    }
    if (link) {
        for (const auto& address : link->told_addresses) {
            told_.emplace(address, pod);
            addresses.push_back(address);
        }
        links_.emplace(pod, *std::move(link));
    }
    pass.dirty.pods.insert(pod);
    refresh(pass);
    pass.write.finish();
    return delta;
}

void Generator::refresh(Pass& pass) {
    for (auto* function : pass.dirty.functions) {
        refresh_selector(*function, pass.dirty);
    }
    for (const auto& pod : pass.dirty.pods) {
        refresh_pod(pod, pass);
    }
    mark_node_local(pass.dirty);
    for (auto* function : pass.dirty.functions) {
        refresh_function(*function, pass);
    }
    for (const auto& route : pass.dirty.routes) {
        refresh_route(route, pass);
    }
    auto& addresses = pass.dirty.addresses;
    std::ranges::sort(addresses);
    addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
    for (const auto& address : addresses) {
        refresh_address(address, pass.write);
    }
    for (auto* function : pass.dirty.callees) {
        refresh_callers(*function, pass.write);
    }
}

void Generator::index(std::span<const ObjectChange> changes, Dirty& dirty) {
    const auto touch = [&](const Object& object) {
        if (const auto* chain = std::get_if<FunctionChain>(&object)) {
            dirty.namespaces.insert(chain->name.ns);
        } else if (const auto* pod = std::get_if<Pod>(&object)) {
            dirty.pods.insert(pod->name);
            dirty.addresses.insert(dirty.addresses.end(), pod->ips.begin(), pod->ips.end());
        } else if (const auto* policy = std::get_if<NetworkPolicy>(&object)) {
            mark_pods_in(policy->name.ns, dirty);
        }
    };
    for (const auto& change : changes) {
        if (change.before != nullptr) {
            objects_.erase(*change.before);
            if (const auto* pod = std::get_if<Pod>(change.before)) {
                labels_.remove(*pod);
            }
            touch(*change.before);
        }
    }
    for (const auto& change : changes) {
        if (change.after != nullptr) {
            objects_.insert(*change.after);
            if (const auto* pod = std::get_if<Pod>(change.after)) {
                labels_.add(*pod);
            }
            touch(*change.after);
        }
    }
}

void Generator::mark_functions(std::span<const ObjectChange> changes, Dirty& dirty) {
    for (const auto& change : changes) {
        for (const auto* object : {change.before, change.after}) {
            if (object == nullptr) {
                continue;
            }
            if (const auto* service = std::get_if<Service>(object)) {
                mark_functions_of(service->name, dirty);
            } else if (const auto* slice = std::get_if<EndpointSlice>(object)) {
                mark_functions_of({slice->name.ns, slice->service}, dirty);
            }
        }
    }
}

void Generator::mark_functions_of(const ObjectName& service, Dirty& dirty) {
    const auto [first, last] = functions_by_service_.equal_range(service);
    for (auto it = first; it != last; ++it) {
        dirty.functions.insert(it->second);
    }
}

FunctionRules Generator::generate(const FunctionNode& node) const {
    const auto& [identity, state] = node;
    const auto& declared = *state.in_graph.statement;
    const auto slices = objects_.slices_of({identity.name.ns, declared.service});
    return generate_function({identity, declared, state.in_graph.enforcement,
                              state.in_graph.fast_path, state.service, slices},
                             [this](const util::IpAddress& address) { return where_is(address); });
}

void Generator::refresh_function(FunctionNode& node, Pass& pass) {
    auto& [identity, state] = node;
    FunctionRules now = generate(node);
    pass.write.put(identity, std::move(now.identity));
    claim_addresses(node, std::move(now.addresses), pass.dirty);
    std::vector<RouteKey> keys;
    keys.reserve(now.routes.size());
    for (const auto& [key, rule] : now.routes) {
        keys.push_back(key);
        pass.dirty.routes.insert(key);
    }
    claim_routes(node, std::move(keys), pass.dirty);
    pass.routes[&node] = std::move(now.routes);
    state.flaws = now.flaws;
    note_warnings(node);
}

void Generator::claim_addresses(FunctionNode& node, std::vector<util::IpAddress> now,
                                Dirty& dirty) {
    for_difference(
        node.second.addresses, now,
        [&](const util::IpAddress& gone) {
            address_claims_.erase({gone, &node});
            dirty.addresses.push_back(gone);
        },
        [&](const util::IpAddress& added) {
            address_claims_.emplace(added, &node);
            dirty.addresses.push_back(added);
        });
    node.second.addresses = std::move(now);
}

void Generator::claim_routes(FunctionNode& node, std::vector<RouteKey> now, Dirty& dirty) {
    for_difference(
        node.second.routes, now,
        [&](const RouteKey& gone) {
            route_claims_.erase({gone, &node});
            dirty.routes.insert(gone);
        },
        [&](const RouteKey& added) { route_claims_.emplace(added, &node); });
    node.second.routes = std::move(now);
}

void Generator::refresh_route(const RouteKey& key, Pass& pass) {
    const FunctionNode* owner = nullptr;  // of several, which is an error, the least
    for (auto it = route_claims_.lower_bound({key, nullptr});
         it != route_claims_.end() && it->first == key; ++it) {
        if (owner == nullptr || it->second->first < owner->first) {
            owner = it->second;
        }
    }
    if (owner == nullptr) {
        pass.write.remove(key);
        return;
    }
    auto generated = pass.routes.find(owner);
    if (generated == pass.routes.end()) {
        generated = pass.routes.emplace(owner, generate(*owner).routes).first;
    }
    const auto rule =
        std::ranges::lower_bound(generated->second, key, {},
                                 [](const auto& route) -> const RouteKey& { return route.first; });
    pass.write.put(key, std::move(rule->second));
}

void Generator::refresh_callers(FunctionNode& node, RuleWriter& write) {
    auto& [identity, state] = node;
    std::vector<Identity> now;
    for (auto& caller : callers_of(node)) {
        now.push_back(std::move(caller.identity));
    }
    for_difference(
        state.callers, now, [&](const Identity& gone) { write.revoke({gone, identity}); },
        [&](const Identity& added) { write.allow({added, identity}); });
    state.callers = std::move(now);

    state.unknown_callers.clear();
    for (const auto& name : state.in_graph.statement->ingress_from) {
        if (!functions_.contains({IdentityKind::kFunction, name}) &&
            !entries_.contains({IdentityKind::kEntry, name})) {
            state.unknown_callers.push_back(name);
        }
    }
    note_warnings(node);
}

void Generator::note_warnings(const FunctionNode& node) {
    if (node.second.flaws.any() || !node.second.unknown_callers.empty()) {
        warned_.insert(&node);
    } else {
        warned_.erase(&node);
    }
}

}  // namespace directfaas::model
