// SPDX-License-Identifier: Apache-2.0
// Where the pods are on the bridge: they come, move and go. So do the node's own addresses.
#include <fmt/format.h>
#include <net/if.h>

#include <array>

#include "agent/backend/ovs/installer.h"
#include "agent/backend/ovs/node_addresses.h"
#include "agent/backend/veth.h"

namespace directfaas::backend::ovs {
namespace {

using util::Result;

std::string interface_name(unsigned ifindex) {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(ifindex, name.data()) == nullptr ? "" : name.data();
}

void flush_zones(std::uint16_t zone, std::vector<Bytes>& messages) {
    messages.push_back(flush_zone(zone));
    messages.push_back(flush_zone(zone + kZoneAccept));
}

}  // namespace

std::optional<std::uint16_t> Installer::free_zone() const {
    std::set<std::uint16_t> used;
    for (const auto& [pod, place] : state_.pods) {
        used.insert(place.zone);
    }
    for (std::uint32_t zone = kZoneFirst; zone < kZoneFirst + kZoneCount; zone += 2) {
        if (!used.contains(static_cast<std::uint16_t>(zone))) {
            return static_cast<std::uint16_t>(zone);
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Installer::port_of(unsigned ifindex) const {
    const auto* port = look(bridge_.ports(), interface_name(ifindex));
    return port == nullptr ? std::nullopt : std::optional(*port);
}

Result<PodPlace> Installer::find_place(const model::ObjectName& pod,
                                       const model::AttachRule& rule) {
    if (auto read = bridge_.read_ports(); !read) {
        return std::unexpected(read.error());
    }
    const auto port = port_of(rule.ifindex);
    if (!port) {
        const auto name = interface_name(rule.ifindex);
        return util::fail(fmt::format(
            "interface {} ({}) is no port of bridge {}; `ovs-vsctl add-port {} {}` makes it one",
            name.empty() ? "?" : name, rule.ifindex, bridge_.options().name, bridge_.options().name,
            name.empty() ? "INTERFACE" : name));
    }
    const auto veth = veth_facts(rule.ifindex);
    if (!veth) {
        return std::unexpected(veth.error());
    }
    const auto* before = look(state_.pods, pod);
    const auto zone = before != nullptr ? std::optional(before->zone) : free_zone();
    if (!zone) {
        return util::fail("no zone of the connection tracker is left for it");
    }
    return PodPlace{*zone, *port, veth->pod_mac};
}

Result<void> Installer::attach(const model::ObjectName& pod, const model::AttachRule& rule,
                               Change& change, std::vector<Bytes>& after) {
    const auto place = find_place(pod, rule);
    if (!place) {
        return std::unexpected(place.error());
    }
    Flows before;
    const auto* old = look(state_.rules.attachments, pod);
    if (old != nullptr) {
        before = pod_flows(state_, pod, *old, bridge_.mac());
    }
    if (old == nullptr || old->ifindex != rule.ifindex) {
        flush_zones(place->zone, after);
        if (auto limited = limit_zones(place->zone); !limited) {
            return limited;
        }
    }
    state_.number(rule.identity);
    state_.pods[pod] = *place;
    change.replace(before, pod_flows(state_, pod, rule, bridge_.mac()));
    state_.rules.attachments[pod] = rule;
    return {};
}

void Installer::detach(const model::ObjectName& pod, Change& change, std::vector<Bytes>& after) {
    const auto* old = look(state_.rules.attachments, pod);
    if (old == nullptr) {
        return;
    }
    change.replace(pod_flows(state_, pod, *old, bridge_.mac()), {});
    flush_zones(state_.pods.at(pod).zone, after);
    state_.pods.erase(pod);
    state_.rules.attachments.erase(pod);
}

Result<void> Installer::follow_node() {
    auto now = node_addresses();
    if (now == node_addresses_) {
        return {};
    }
    Change change;
    change.replace(node_flows(node_addresses_), node_flows(now));
    auto done = bridge_.commit(change);
    if (done) {
        node_addresses_ = std::move(now);
    }
    return done;
}

/// A port that was taken out of the bridge and put in again has another number.
Result<void> Installer::follow_ports() {
    if (auto read = bridge_.read_ports(); !read) {
        return read;
    }
    Change change;
    for (const auto& [pod, rule] : state_.rules.attachments) {
        const auto port = port_of(rule.ifindex);
        PodPlace& place = state_.pods.at(pod);
        if (port && *port != place.port) {
            const auto before = pod_flows(state_, pod, rule, bridge_.mac());
            place.port = *port;
            change.replace(before, pod_flows(state_, pod, rule, bridge_.mac()));
        }
    }
    return bridge_.commit(change);
}

}  // namespace directfaas::backend::ovs
