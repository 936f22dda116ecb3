// SPDX-License-Identifier: Apache-2.0
// Changes of the rules; those of pods are in installer_pods.cpp. What is there already is compared
// in installer_compare.cpp.
#include "agent/backend/ovs/installer.h"

#include <algorithm>

#include "lib/util/log.h"

namespace directfaas::backend::ovs {
namespace {

using util::Result;

bool has_ready(const model::RouteRule& rule) {
    return std::ranges::any_of(rule.endpoints, [](const model::RouteEndpoint& endpoint) {
        return endpoint.state == model::EndpointState::kReady;
    });
}

/// Whether calls meet anything else afterwards than another of the function's instances.
bool changes_verdicts(const model::RouteRule* before, const model::RouteRule& after) {
    return before == nullptr || before->function != after.function || !has_ready(*before) ||
           !has_ready(after);
}

/// Whether packets that one thing happens to now meet another afterwards, and would be counted for
/// it. Not so with what is only added, nor with instances that come and go while there are others;
/// an edge that is given matters to what was refused, and for one that is taken see revoke().
bool changes_verdicts(const State& state, const model::RuleDelta& delta,
                      Installer::Refusals refusals) {
    const auto& routes = state.rules.routes;
    const bool given = !delta.allowed.empty() && refusals == Installer::Refusals::kPossible;
    return given ||
           !(delta.identities.empty() && delta.detached.empty() && delta.routes_removed.empty() &&
             delta.identities_removed.empty()) ||
           std::ranges::any_of(delta.routes, [&](const auto& route) {
               return changes_verdicts(look(routes, route.first), route.second);
           });
}

std::set<util::IpAddress> touched_vips(const model::RuleDelta& delta) {
    std::set<util::IpAddress> vips;
    for (const auto& [key, rule] : delta.routes) {
        vips.insert(key.vip);
    }
    for (const auto& key : delta.routes_removed) {
        vips.insert(key.vip);
    }
    return vips;
}

}  // namespace

Result<void> Installer::apply(const model::RuleDelta& delta, Refusals refusals) {
    Change change;
    Change late;
    std::vector<Bytes> after;
    // Packets that were not counted yet would be counted for what becomes of their like now.
    auto done = changes_verdicts(state_, delta, refusals) ? bridge_.settle() : Result<void>();
    if (done) {
        done = stage(delta, change, late, after);
    }
    if (done) {
        done = bridge_.commit(change);
    }
    if (done) {
        done = bridge_.commit(late);
    }
    if (done && !after.empty()) {
        done = bridge_.execute(std::move(after));
    }
    if (done) {
        return done;
    }
    util::log::info("rules were not taken: {}", done.error().text());
    // What is believed and what is there may differ now.
    if (auto loaded = load(); !loaded) {
        util::log::debug("reading back the flows: {}", loaded.error().text());
    }
    return done;
}

/// `late` and `after` are for what comes when packets follow the change already.
Result<void> Installer::stage(const model::RuleDelta& delta, Change& change, Change& late,
                              std::vector<Bytes>& after) {
    const auto numbers = numbers_flows(state_, instance_);
    const auto vips = touched_vips(delta);
    std::map<util::IpAddress, Flows> vips_before;
    for (const auto& vip : vips) {
        vips_before[vip] = vip_flows(state_, vip);
    }
    stage_upserts(delta, change, late);
    for (const auto& [pod, rule] : delta.attachments) {
        if (auto attached = attach(pod, rule, change, after); !attached) {
            return util::pass(attached.error(), "pod " + pod.text());
        }
    }
    for (const auto& edge : delta.revoked) {
        revoke(edge, change, late);
    }
    for (const auto& pod : delta.detached) {
        detach(pod, change, after);
    }
    stage_removals(delta, change);
    for (const auto& vip : vips) {
        change.replace(vips_before[vip], vip_flows(state_, vip));
    }
    change.replace(numbers, numbers_flows(state_, instance_));
    return {};
}

/// Each part of the state is brought up to date before its flows are made: what stays and what goes
/// with the change must not lie side by side in the heap, or its pages would never come free.
void Installer::stage_upserts(const model::RuleDelta& delta, Change& change, Change& late) {
    stage_identities(delta, change);
    stage_addresses(delta, change);
    stage_routes(delta, change, late);
    for (const auto& edge : delta.allowed) {
        if (state_.edges.contains(edge)) {
            continue;
        }
        state_.number(edge.from);
        state_.number(edge.to);
        state_.edges[edge] = state_.next_edge++;
        change.replace({}, edge_flows(state_, edge));
        state_.rules.allowed.insert(edge);
    }
}

void Installer::stage_identities(const model::RuleDelta& delta, Change& change) {
    std::map<model::Identity, Flows> before;
    for (const auto& [identity, rule] : delta.identities) {
        state_.number(identity);
        if (const auto* old = look(state_.rules.identities, identity)) {
            before[identity] = identity_flows(state_, identity, *old);
        }
        state_.rules.identities[identity] = rule;
    }
    for (const auto& [identity, rule] : delta.identities) {
        change.replace(before[identity], identity_flows(state_, identity, rule));
    }
}

void Installer::stage_addresses(const model::RuleDelta& delta, Change& change) {
    std::map<util::IpAddress, Flows> before;
    for (const auto& [address, identity] : delta.addresses) {
        state_.number(identity);
        if (const auto* old = look(state_.rules.addresses, address)) {
            before[address] = address_flows(state_, address, *old);
        }
        state_.rules.addresses[address] = identity;
    }
    for (const auto& [address, identity] : delta.addresses) {
        change.replace(before[address], address_flows(state_, address, identity));
    }
}

void Installer::stage_routes(const model::RuleDelta& delta, Change& change, Change& late) {
    std::map<model::RouteKey, RouteBefore> before;
    for (const auto& [key, rule] : delta.routes) {
        before[key] = set_route(key, rule);
    }
    for (auto& [key, old] : before) {
        replace_route(key, std::move(old), change, late);
    }
}

Installer::RouteBefore Installer::set_route(const model::RouteKey& key,
                                            const model::RouteRule& rule) {
    RouteBefore before;
    if (const auto* old = look(state_.rules.routes, key)) {
        before = {route_flows(state_, key, *old), route_group(state_, key, *old)};
    } else {
        state_.routes[key] = state_.next_route++;
    }
    state_.number(rule.function);
    auto& numbers = state_.endpoints[key];
    std::map<EndpointKey, std::uint32_t> kept;
    for (const auto& endpoint : rule.endpoints) {
        const EndpointKey end{endpoint.address, endpoint.port};
        const auto* known = look(numbers, end);
        kept[end] = known != nullptr ? *known : state_.next_endpoint++;
    }
    numbers = std::move(kept);
    state_.rules.routes[key] = rule;
    return before;
}

/// Calls cease to go to an instance that is gone first; then those that it has are ended, when
/// what they sent has been counted as theirs.
void Installer::replace_route(const model::RouteKey& key, RouteBefore before, Change& change,
                              Change& late) {
    const auto& rule = state_.rules.routes.at(key);
    const auto flows = route_flows(state_, key, rule);
    const auto gone = std::ranges::stable_partition(before.flows, [&](const Flow& flow) {
        return owner_of(flow.cookie) != Owner::kEndpoint ||
               std::ranges::find(flows, flow.key(), &Flow::key) != flows.end();
    });
    for (const Flow& flow : gone) {
        late.remove(flow);
    }
    before.flows.erase(gone.begin(), gone.end());
    change.replace(before.flows, flows);
    auto group = route_group(state_, key, rule);
    const bool had = !before.group.buckets.empty();
    if (!group.buckets.empty() && !(had && group == before.group)) {
        if (group.chosen_by != before.group.chosen_by) {
            before.group.buckets.clear();  // only a group written whole is chosen from otherwise
        }
        change.put(std::move(group), std::move(before.group.buckets));
    } else if (group.buckets.empty() && had) {
        change.remove_group(group.id);
    }
}

void Installer::remove_route(const model::RouteKey& key, Change& change) {
    const auto* old = look(state_.rules.routes, key);
    if (old == nullptr) {
        return;
    }
    change.replace(route_flows(state_, key, *old), {});
    if (const auto group = route_group(state_, key, *old); !group.buckets.empty()) {
        change.remove_group(group.id);
    }
    state_.routes.erase(key);
    state_.endpoints.erase(key);
    state_.rules.routes.erase(key);
}

/// What passed just before and is not counted yet would be counted as refused: so open connections
/// meet flows without a counter until packets follow the change.
void Installer::revoke(const model::AllowKey& edge, Change& change, Change& late) {
    const auto mark = state_.edges.find(edge);
    if (mark == state_.edges.end()) {
        return;
    }
    const auto passing = revoked_edge_flows(state_, edge, settings_);
    change.replace(edge_flows(state_, edge), passing);
    late.replace(passing, {});
    state_.bases.erase(edge_opened_counter(mark->second));
    state_.bases.erase(edge_bytes_counter(mark->second, false));
    state_.bases.erase(edge_bytes_counter(mark->second, true));
    state_.edges.erase(mark);
    state_.rules.allowed.erase(edge);
}

void Installer::stage_removals(const model::RuleDelta& delta, Change& change) {
    for (const auto& key : delta.routes_removed) {
        remove_route(key, change);
    }
    for (const auto& address : delta.addresses_removed) {
        if (const auto* old = look(state_.rules.addresses, address)) {
            change.replace(address_flows(state_, address, *old), {});
            state_.rules.addresses.erase(address);
        }
    }
    for (const auto& identity : delta.identities_removed) {
        const auto* old = look(state_.rules.identities, identity);
        if (old == nullptr) {
            continue;
        }
        change.replace(identity_flows(state_, identity, *old), {});
        const auto number = state_.known(identity);
        for (const auto told : {FunctionTold::kDenied, FunctionTold::kAudited, FunctionTold::kHeld,
                                FunctionTold::kNoEndpoint, FunctionTold::kOpened}) {
            state_.bases.erase(function_counter(number, told));
        }
        std::erase_if(state_.pairs, [&](const PairKey& pair) {
            if (pair.from != number && pair.to != number) {
                return false;
            }
            change.remove(pair_flow(state_, pair));
            return true;
        });
        state_.identities.erase(identity);
        state_.rules.identities.erase(identity);
    }
}

}  // namespace directfaas::backend::ovs
