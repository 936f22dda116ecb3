// SPDX-License-Identifier: Apache-2.0
// What must not be true of two objects at once. Looks only at what an update touched; that is
// enough, because each conflict has two sides and both are looked at from either.
#include <fmt/format.h>

#include <algorithm>

#include "lib/model/generator.h"
#include "lib/model/object_text.h"

namespace directfaas::model {
namespace {

Problem error_in_service(const FunctionNode& node, std::string message, std::string advice) {
    const auto& service = *node.second.service;
    return {Problem::Severity::kError, service.where, describe(service), std::move(message),
            std::move(advice)};
}

}  // namespace

void Generator::check(const Dirty& dirty, std::vector<Problem>& problems) const {
    for (const auto* node : dirty.functions) {
        check_vips(*node, dirty, problems);
    }
    for (const auto& address : dirty.addresses) {
        check_address(address, dirty, problems);
    }
    for (const auto& pod : dirty.pods) {
        check_pod(pod, dirty, problems);
    }
}

void Generator::check_vips(const FunctionNode& node, const Dirty& dirty,
                           std::vector<Problem>& problems) const {
    std::set<util::IpAddress> vips;
    for (const auto& key : node.second.routes) {
        check_claim(node, key, dirty, problems);
        vips.insert(key.vip);
    }
    for (const auto& vip : vips) {
        check_vip(node, vip, problems);
    }
}

void Generator::check_claim(const FunctionNode& node, const RouteKey& key, const Dirty& dirty,
                            std::vector<Problem>& problems) const {
    for (auto it = route_claims_.lower_bound({key, nullptr});
         it != route_claims_.end() && it->first == key; ++it) {
        const FunctionNode& other = *it->second;
        // If both are touched, the pair is reported once.
        if (&other == &node || (dirty.functions.contains(it->second) && node.first < other.first)) {
            continue;
        }
        if (node.second.service == other.second.service) {
            const auto& [statement, chain] =
                static_cast<const Declared<ChainFunction>&>(node.second.in_graph);
            problems.push_back(
                {Problem::Severity::kError, statement->where, describe(*chain),
                 fmt::format("function {} has the same Service and port, {}, as {} ({})",
                             statement->name, key.text(), phrase(other.first),
                             other.second.in_graph.statement->where.text()),
                 "Let serviceRef.port of each name another port, or give each its own Service"});
            continue;
        }
        problems.push_back(error_in_service(
            node,
            fmt::format("vIP {} of {} is also that of {} ({})", key.text(), phrase(node.first),
                        phrase(other.first), other.second.service->where.text()),
            "Give one of the Services another clusterIP or port"));
    }
}

void Generator::check_vip(const FunctionNode& node, const util::IpAddress& vip,
                          std::vector<Problem>& problems) const {
    const auto network = std::ranges::find_if(
        settings_.pod_networks, [&](const auto& prefix) { return prefix.contains(vip); });
    if (network != settings_.pod_networks.end()) {
        problems.push_back(error_in_service(
            node,
            fmt::format("vIP {} of {} is inside pod network {}", vip.text(), phrase(node.first),
                        network->text()),
            "Give the Service a clusterIP outside all pod networks, or correct the agent's "
            "pod networks"));
    }
    const auto pods = objects_.pods_with(vip);
    const auto claim = address_claims_.lower_bound({vip, nullptr});
    if (!pods.empty()) {
        const auto* pod = std::ranges::min(pods, {}, [](const Pod* p) { return p->name; });
        problems.push_back(
            error_in_service(node,
                             fmt::format("vIP {} of {} is the address of {} ({})", vip.text(),
                                         phrase(node.first), describe(*pod), pod->where.text()),
                             "Give the Service a clusterIP that no pod has"));
    } else if (claim != address_claims_.end() && claim->first == vip) {
        const auto* slice = slice_with(*claim->second, vip);
        problems.push_back(error_in_service(
            node,
            fmt::format("vIP {} of {} is the address of an instance in {} ({})", vip.text(),
                        phrase(node.first), describe(*slice), slice->where.text()),
            "Give the Service a clusterIP that no instance has"));
    }
}

const EndpointSlice* Generator::slice_with(const FunctionNode& node,
                                           const util::IpAddress& address) const {
    const auto slices =
        objects_.slices_of({node.first.name.ns, node.second.in_graph.statement->service});
    const auto found = std::ranges::find_if(slices, [&](const EndpointSlice* slice) {
        return std::ranges::find(slice->endpoints, address, &SliceEndpoint::address) !=
               slice->endpoints.end();
    });
    return *found;  // the claim comes from one of them
}

void Generator::check_address(const util::IpAddress& address, const Dirty& dirty,
                              std::vector<Problem>& problems) const {
    const auto route = route_claims_.lower_bound({RouteKey{address, 0, {}}, nullptr});
    if (route == route_claims_.end() || route->first.vip != address ||
        dirty.functions.contains(route->second)) {  // then check_vip() has said it
        return;
    }
    const auto add = [&](const auto& object) {
        problems.push_back(
            {Problem::Severity::kError, object.where, describe(object),
             fmt::format("address {} is the vIP of {} ({})", address.text(),
                         phrase(route->second->first), route->second->second.service->where.text()),
             "Give the pod another address, or the Service another clusterIP"});
    };
    for (const auto* pod : objects_.pods_with(address)) {
        add(*pod);
    }
    for (auto it = address_claims_.lower_bound({address, nullptr});
         it != address_claims_.end() && it->first == address; ++it) {
        add(*slice_with(*it->second, address));
    }
}

/// Pods that share an address cannot be told apart by whom they call.
void Generator::check_pod(const ObjectName& name, const Dirty& dirty,
                          std::vector<Problem>& problems) const {
    if (!local_.contains(name)) {
        return;
    }
    const Pod& pod = *objects_.pod(name);
    for (const auto& ip : std::set(pod.ips.begin(), pod.ips.end())) {
        for (const auto* other : objects_.pods_with(ip)) {
            if (other == &pod || !local_.contains(other->name) ||
                (dirty.pods.contains(other->name) && name < other->name)) {
                continue;
            }
            problems.push_back(
                {Problem::Severity::kError, pod.where, describe(pod),
                 fmt::format("address {} on this node is also that of {} ({})", ip.text(),
                             describe(*other), other->where.text()),
                 "Correct one of the two; pods that use the host's network cannot be functions or "
                 "entries"});
        }
    }
}

}  // namespace directfaas::model
