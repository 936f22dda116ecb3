// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/encode.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

/// A name that fits with its NUL; the arrays are zeroed by their structs' initialisers.
template <std::size_t size>
Result<void> copy_name(char (&to)[size], const std::string& name) {
    if (name.size() >= size) {
        return util::fail(
            fmt::format("name {} has more than {} characters; shorten it", name, size - 1));
    }
    std::memcpy(to, name.data(), name.size());
    return {};
}

template <std::size_t size>
std::string read_name(const char (&from)[size]) {
    return {from, strnlen(from, size)};
}

std::uint32_t flag(bool set, std::uint32_t bit) { return set ? bit : 0; }

FlowTuple tuple(const df_addr& source, const df_addr& destination, std::uint16_t sport,
                std::uint16_t dport, std::uint8_t protocol) {
    return {decode(source), decode(destination), ntohs(sport), ntohs(dport), protocol};
}

}  // namespace

df_addr encode(const util::IpAddress& address) {
    df_addr to{};
    std::ranges::copy(address.bytes(), to.bytes);
    return to;
}

util::IpAddress decode(const df_addr& address) {
    return util::IpAddress(std::to_array(address.bytes));
}

df_vip_key encode(const model::RouteKey& key) {
    return {encode(key.vip), htons(key.port), static_cast<std::uint8_t>(key.protocol), 0};
}

model::RouteKey decode(const df_vip_key& key) {
    return {decode(key.addr), ntohs(key.port), static_cast<util::Protocol>(key.proto)};
}

Result<df_fn> encode(const model::Identity& identity, const model::IdentityRule& rule,
                     std::uint32_t generation) {
    df_fn entry{};
    entry.gen = generation;
    switch (identity.kind) {
        case model::IdentityKind::kOutside:
            return util::fail("`outside` cannot be given an identity of its own");
        case model::IdentityKind::kFunction:
            entry.kind = DF_FN_FUNCTION;
            break;
        case model::IdentityKind::kEntry:
            entry.kind = DF_FN_ENTRY;
            break;
    }
    if (rule.enforcement == model::Enforcement::kAudit) {
        entry.flags |= DF_FN_AUDIT;
    }
    if (rule.enforcement == model::Enforcement::kDisabled) {
        entry.flags |= DF_FN_DISABLED;
    }
    if (rule.ingress) {
        entry.flags |= DF_FN_INGRESS;
    }
    if (!rule.fast_path) {
        entry.flags |= DF_FN_STACK;
    }
    for (auto copied : {copy_name(entry.namespace_, identity.name.ns),
                        copy_name(entry.name, identity.name.name)}) {
        if (!copied) {
            return std::unexpected(copied.error());
        }
    }
    return entry;
}

std::optional<model::Identity> decode_identity(const df_fn& entry) {
    if (entry.kind != DF_FN_FUNCTION && entry.kind != DF_FN_ENTRY) {
        return std::nullopt;
    }
    return model::Identity{
        entry.kind == DF_FN_FUNCTION ? model::IdentityKind::kFunction : model::IdentityKind::kEntry,
        {read_name(entry.namespace_), read_name(entry.name)}};
}

model::IdentityRule decode_rule(const df_fn& entry) {
    model::IdentityRule rule;
    rule.enforcement = (entry.flags & DF_FN_DISABLED) != 0 ? model::Enforcement::kDisabled
                       : (entry.flags & DF_FN_AUDIT) != 0  ? model::Enforcement::kAudit
                                                           : model::Enforcement::kEnforce;
    rule.ingress = (entry.flags & DF_FN_INGRESS) != 0;
    rule.fast_path = (entry.flags & DF_FN_STACK) == 0;
    return rule;
}

df_fn_port_key encode_port(std::uint32_t identity, const model::PortProtocol& port) {
    return {identity, htons(port.port), static_cast<std::uint8_t>(port.protocol), 0};
}

model::PortProtocol decode(const df_fn_port_key& key) {
    return {ntohs(key.port), static_cast<util::Protocol>(key.proto)};
}

Result<df_veth> encode(const model::AttachRule& rule, std::uint32_t identity,
                       std::uint32_t generation) {
    if (rule.addresses.size() > DF_VETH_ADDRS) {
        return util::fail(fmt::format("a pod has {} addresses; at most {} are supported",
                                      rule.addresses.size(), DF_VETH_ADDRS));
    }
    df_veth entry{};
    entry.fn = identity;
    entry.gen = generation;
    entry.flags = static_cast<std::uint16_t>(flag(rule.adopted, DF_VETH_ADOPTED) |
                                             flag(!rule.fast_path, DF_VETH_STACK));
    entry.addr_count = static_cast<std::uint16_t>(rule.addresses.size());
    std::ranges::transform(rule.addresses, entry.addrs,
                           [](const util::IpAddress& address) { return encode(address); });
    return entry;
}

model::AttachRule decode(const df_veth& entry) {
    model::AttachRule rule;
    const int count = std::min<int>(entry.addr_count, DF_VETH_ADDRS);
    for (int i = 0; i < count; ++i) {
        rule.addresses.push_back(decode(entry.addrs[i]));
    }
    rule.adopted = (entry.flags & DF_VETH_ADOPTED) != 0;
    rule.fast_path = (entry.flags & DF_VETH_STACK) == 0;
    return rule;
}

Result<df_pod_name> encode_pod(const model::ObjectName& pod, std::uint32_t flags) {
    df_pod_name entry{};
    entry.flags = flags;
    for (auto copied : {copy_name(entry.namespace_, pod.ns), copy_name(entry.name, pod.name)}) {
        if (!copied) {
            return std::unexpected(copied.error());
        }
    }
    return entry;
}

model::ObjectName decode(const df_pod_name& entry) {
    return {read_name(entry.namespace_), read_name(entry.name)};
}

std::uint16_t encode(model::EndpointState state) {
    return state == model::EndpointState::kReady ? DF_EP_READY : DF_EP_DRAINING;
}

std::uint32_t encode(model::WhenEmpty when_empty) {
    return flag(when_empty == model::WhenEmpty::kHold, DF_VIP_HOLD);
}

model::WhenEmpty decode_when_empty(std::uint32_t flags) {
    return (flags & DF_VIP_HOLD) != 0 ? model::WhenEmpty::kHold : model::WhenEmpty::kRefuse;
}

std::uint16_t encode_port(std::uint16_t port) { return htons(port); }

model::RouteEndpoint decode(const df_ep& entry) {
    return {
        decode(entry.addr), ntohs(entry.port),
        entry.state == DF_EP_READY ? model::EndpointState::kReady : model::EndpointState::kDraining,
        entry.ifindex};
}

Result<df_config> encode(const Settings& settings, const df_config& before) {
    if (settings.pod_networks.size() > DF_POD_NETWORKS) {
        return util::fail(fmt::format("{} pod networks are configured; at most {} are supported",
                                      settings.pod_networks.size(), DF_POD_NETWORKS));
    }
    df_config config{};
    config.flags = flag(settings.deny_silently, DF_CONFIG_DENY_SILENTLY) |
                   flag(settings.trace, DF_CONFIG_TRACE) | flag(settings.drain, DF_CONFIG_DRAIN) |
                   flag(!settings.fast_path, DF_CONFIG_STACK) |
                   flag(settings.tunnelled, DF_CONFIG_TUNNELLED);
    config.mark_replay = before.mark_replay;
    config.mark_refuse = before.mark_refuse;
    config.event_rate = settings.event_rate;
    config.budget_rate = settings.budget_rate;
    config.budget_burst = settings.budget_burst;
    config.budget_live = settings.budget_live;
    config.pod_network_count = static_cast<std::uint32_t>(settings.pod_networks.size());
    std::ranges::transform(settings.pod_networks, config.pod_networks,
                           [](const util::IpPrefix& prefix) {
                               return df_prefix{encode(prefix.base), encode(prefix.mask())};
                           });
    return config;
}

FlowEvent decode(const df_event& event) {
    FlowEvent to;
    to.time = std::chrono::nanoseconds(event.time);
    to.flow = tuple(event.saddr, event.daddr, event.sport, event.dport, event.proto);
    to.instance = decode(event.eaddr);
    to.instance_port = ntohs(event.eport);
    to.verdict = static_cast<df_verdict>(event.verdict);
    to.reason = static_cast<df_reason>(event.reason);
    to.hook = static_cast<df_hook>(event.hook);
    to.ifindex = event.ifindex;
    to.length = event.length;
    return to;
}

std::optional<HeldPacket> decode_held(std::span<const std::uint8_t> record) {
    df_held header{};
    if (record.size() < sizeof(header)) {
        return std::nullopt;
    }
    std::memcpy(&header, record.data(), sizeof(header));
    const auto frame = record.subspan(sizeof(header));
    if (header.len > frame.size()) {
        return std::nullopt;
    }
    HeldPacket packet;
    switch (header.kind) {
        case DF_HELD_NO_INSTANCE:
            packet.kind = HeldPacket::Kind::kNoInstance;
            break;
        case DF_HELD_UNKNOWN_SOURCE:
            packet.kind = HeldPacket::Kind::kUnknownSource;
            break;
        case DF_HELD_RESET:
            packet.kind = HeldPacket::Kind::kReset;
            break;
        default:
            return std::nullopt;
    }
    packet.time = std::chrono::nanoseconds(header.time);
    packet.flow = tuple(header.saddr, header.daddr, header.sport, header.dport, header.proto);
    packet.ifindex = header.ifindex;
    packet.frame.assign(frame.begin(), frame.begin() + header.len);
    return packet;
}

}  // namespace directfaas::backend::ebpf
