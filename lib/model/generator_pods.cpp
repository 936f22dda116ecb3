// SPDX-License-Identifier: Apache-2.0
// Which pod is whom, behind which interface, and whose an address is.
#include <algorithm>

#include "lib/model/generator.h"

namespace directfaas::model {

bool Generator::is_local(const Pod& pod) const {
    return pod.node.empty() || pod.node == settings_.node_name;
}

/// A pod that several selectors match is the least of them: functions before entries, then by
/// name. That is a warning, not an error: a change of labels must not take a chain down.
const Identity* Generator::identity_of(const Pod& pod) const {
    const auto owners = labels_.owners(pod);
    return owners.empty() ? nullptr : owners.front();
}

void Generator::mark_selected(const Identity& owner, const Labels* selector, Dirty& dirty) {
    if (selector == nullptr) {
        return;
    }
    for (const auto* pod : labels_.pods(owner.name.ns, *selector)) {
        dirty.pods.insert(pod->name);
    }
}

void Generator::refresh_selector(FunctionNode& node, Dirty& dirty) {
    auto& [identity, state] = node;
    state.service = objects_.service({identity.name.ns, state.in_graph.statement->service});
    const bool usable = state.service != nullptr && !state.service->selector.empty();
    const Labels* now = usable ? &state.service->selector : nullptr;
    const Labels* was = std::exchange(state.selector, now);
    if (was == now) {
        return;
    }
    if (was == nullptr || now == nullptr || *was != *now) {
        mark_selected(identity, was, dirty);
        mark_selected(identity, now, dirty);
    }
    if (was != nullptr) {
        labels_.remove(identity, *was);
    }
    if (now != nullptr) {
        labels_.add(identity, *now);
    }
}

/// Those of this node that are attached or could be.
void Generator::mark_pods_in(const std::string& ns, Dirty& dirty) {
    for (auto it = local_.lower_bound({ns, {}}); it != local_.end() && it->ns == ns; ++it) {
        dirty.pods.insert(*it);
    }
}

bool Generator::has_policy(const Pod& pod) const {
    return std::ranges::any_of(objects_.policies_in(pod.name.ns), [&](const NetworkPolicy* policy) {
        return policy->selects(pod.labels);
    });
}

void Generator::refresh_pod(const ObjectName& name, Pass& pass) {
    const Pod* pod = objects_.pod(name);
    const auto owners = pod == nullptr ? std::vector<const Identity*>{} : labels_.owners(*pod);
    const bool local = pod != nullptr && !owners.empty() && is_local(*pod);
    local ? (void)local_.insert(name) : (void)local_.erase(name);
    owners.size() > 1 ? (void)contested_.insert(name) : (void)contested_.erase(name);
    const auto link = links_.find(name);
    auto& addresses = pass.dirty.addresses;
    if (pod != nullptr) {
        addresses.insert(addresses.end(), pod->ips.begin(), pod->ips.end());
    }
    if (link != links_.end()) {
        const auto& told = link->second.told_addresses;
        addresses.insert(addresses.end(), told.begin(), told.end());
    }

    const auto attached = rules_.attachments.find(name);
    if (!local || link == links_.end() ||
        (pod->ips.empty() && link->second.told_addresses.empty())) {
        if (attached != rules_.attachments.end()) {
            mark_functions_at(attached->second.addresses, pass.dirty);
            pass.write.remove(name);
        }
        return;
    }
    const auto& told = link->second.told_addresses;
    AttachRule rule{*owners.front(), link->second.ifindex, told.empty() ? pod->ips : told,
                    link->second.adopted, !has_policy(*pod)};
    std::ranges::sort(rule.addresses);
    const auto rest = std::ranges::unique(rule.addresses);
    rule.addresses.erase(rest.begin(), rest.end());
    if (attached == rules_.attachments.end()) {
        mark_functions_at(rule.addresses, pass.dirty);
    } else if (attached->second != rule) {
        mark_functions_at(attached->second.addresses, pass.dirty);
        mark_functions_at(rule.addresses, pass.dirty);
    }
    pass.write.put(name, rule);
}

/// Routes to these addresses name the interface behind which they are.
void Generator::mark_functions_at(const std::vector<util::IpAddress>& addresses, Dirty& dirty) {
    for (const auto& address : addresses) {
        for (auto it = address_claims_.lower_bound({address, nullptr});
             it != address_claims_.end() && it->first == address; ++it) {
            dirty.functions.insert(it->second);
        }
    }
}

/// A pod says more about its address than a slice: slices lag when addresses are used again.
void Generator::refresh_address(const util::IpAddress& address, RuleWriter& write) {
    const Identity* owner = nullptr;
    const auto consider = [&](const Identity* candidate) {
        if (candidate != nullptr && (owner == nullptr || *candidate < *owner)) {
            owner = candidate;
        }
    };
    for (const auto* pod : objects_.pods_with(address)) {
        consider(identity_of(*pod));
    }
    for (auto it = told_.lower_bound({address, {}}); it != told_.end() && it->first == address;
         ++it) {
        if (const auto* pod = objects_.pod(it->second); pod != nullptr && is_local(*pod)) {
            consider(identity_of(*pod));
        }
    }
    if (owner == nullptr) {
        for (auto it = address_claims_.lower_bound({address, nullptr});
             it != address_claims_.end() && it->first == address; ++it) {
            consider(&it->second->first);
        }
    }
    if (owner == nullptr) {
        write.remove(address);
    } else {
        write.put(address, *owner);
    }
}

/// Functions whose calls stay on the node choose among the pods of this node.
void Generator::mark_node_local(Dirty& dirty) {
    for (const auto& address : dirty.addresses) {
        for (auto it = address_claims_.lower_bound({address, nullptr});
             it != address_claims_.end() && it->first == address; ++it) {
            const auto* service = it->second->second.service;
            if (service != nullptr && service->node_local) {
                dirty.functions.insert(it->second);
            }
        }
    }
}

Whereabouts Generator::where_is(const util::IpAddress& address) const {
    Whereabouts found;
    const Pod* least = nullptr;
    for (const auto* pod : objects_.pods_with(address)) {
        found.on_node = found.on_node || is_local(*pod);
        const auto rule = rules_.attachments.find(pod->name);
        if (rule != rules_.attachments.end() && (least == nullptr || pod->name < least->name)) {
            least = pod;
            found.ifindex = rule->second.ifindex;
        }
    }
    return found;
}

PodKind Generator::pod_kind(const ObjectName& name) const {
    if (local_.contains(name)) {
        return PodKind::kInChain;
    }
    const bool can_be = graph(name.ns) != nullptr && objects_.pod(name) == nullptr;
    return can_be ? PodKind::kUnknown : PodKind::kNotInChain;
}

std::optional<Link> Generator::link(const ObjectName& pod) const {
    const auto found = links_.find(pod);
    return found == links_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<LocalPod> Generator::local_pods() const {
    std::vector<LocalPod> pods;
    pods.reserve(local_.size());
    for (const auto& name : local_) {
        const auto* pod = objects_.pod(name);
        pods.push_back({name, pod->ips, pod->interface_name});
    }
    return pods;
}

}  // namespace directfaas::model
