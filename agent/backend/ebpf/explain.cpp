// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/explain.h"

#include <fmt/format.h>

#include "agent/backend/ebpf/encode.h"

namespace directfaas::backend::ebpf {
namespace {

using Lines = std::vector<std::string>;

std::string_view state_name(std::uint16_t state) {
    switch (state) {
        case DF_EP_READY:
            return "ready";
        case DF_EP_DRAINING:
            return "draining";
        default:
            return "gone";
    }
}

std::string_view enforcement_name(std::uint16_t flags) {
    if ((flags & DF_FN_DISABLED) != 0) {
        return "disabled";
    }
    return (flags & DF_FN_AUDIT) != 0 ? "audit" : "enforce";
}

/// The value, or nothing for an absent entry and for an error alike.
template <typename Map, typename Key>
auto read(const Map& map, const Key& key) {
    return map.get(key).value_or(std::nullopt);
}

void explain_identity(const Tables& tables, const model::Identity& identity,
                      const std::optional<Identities::Number>& number, Lines& lines) {
    if (!number) {
        lines.push_back(fmt::format("fn: no entry for {}", identity.text()));
        return;
    }
    if (number->id == DF_IDENTITY_OUTSIDE) {
        lines.emplace_back("fn[0]: outside");
        return;
    }
    if (const auto entry = read(tables.fn, number->id)) {
        lines.push_back(fmt::format("fn[{}]: {}, gen {}, {}{}{}", number->id, identity.text(),
                                    entry->gen, enforcement_name(entry->flags),
                                    (entry->flags & DF_FN_INGRESS) != 0 ? ", ingress" : "",
                                    (entry->flags & DF_FN_STACK) != 0 ? ", fastPath off" : ""));
    }
}

void explain_edge(const Tables& tables, std::uint32_t from, std::uint32_t to, Lines& lines) {
    const auto allow = read(tables.allow, df_allow_key{from, to});
    if (!allow) {
        lines.push_back(fmt::format("allow{{{}, {}}}: no entry, so calls are denied", from, to));
        return;
    }
    lines.push_back(
        fmt::format("allow{{{}, {}}}: edge {}, gen {}", from, to, allow->edge, allow->gen));
    if (const auto edge = read(tables.edge, allow->edge)) {
        lines.push_back(fmt::format("edge[{}]: gen {}, {}", allow->edge, edge->gen,
                                    edge->live != 0 ? "live" : "revoked"));
    }
}

/// Which way packets take from here on.
std::string way(const FastPath& fast_path, unsigned ifindex, bool fast) {
    if (ifindex == 0) {
        return "by the stack: not attached on this node";
    }
    if (fast) {
        return "fast path";
    }
    const auto found = fast_path.obstacles().find(ifindex);
    return "by the stack: " +
           (found == fast_path.obstacles().end() ? "not looked at yet" : found->second);
}

/// The caller's own interfaces, where they keep its calls on the stack.
void explain_caller(const Installed& installed, std::uint32_t from, Lines& lines) {
    const auto config = read(installed.tables.config, kOnly);
    if (config && (config->flags & DF_CONFIG_STACK) != 0) {
        lines.emplace_back("config: no fast path on this node");
    }
    static_cast<void>(installed.tables.veth.for_each([&](unsigned ifindex, const df_veth& entry) {
        if (entry.fn == from && (entry.flags & DF_VETH_FAST) == 0) {
            lines.push_back(fmt::format("veth[{}]: calls {}", ifindex,
                                        way(installed.fast_path, ifindex, false)));
        }
    }));
}

void explain_endpoint(const Installed& installed, const df_vip& vip, std::uint32_t ordinal,
                      Lines& lines) {
    const auto id = read(installed.tables.slots, df_slot_key{vip.id, vip.generation, ordinal});
    if (!id) {
        return;  // the list has been switched meanwhile
    }
    if (const auto entry = read(installed.tables.ep, *id)) {
        const auto endpoint = decode(*entry);
        lines.push_back(fmt::format(
            "slots{{{}, {}, {}}}: ep[{}]: {}, {}, gen {}, open {}, {}", vip.id, vip.generation,
            ordinal, *id, util::endpoint_text(endpoint.address, endpoint.port),
            state_name(entry->state), entry->gen,
            std::max<std::int64_t>(installed.open_counts.at(*id), 0),
            way(installed.fast_path, entry->ifindex, (entry->flags & DF_EP_FAST) != 0)));
    }
}

void explain_route(const Installed& installed, const model::RouteKey& route, Lines& lines) {
    const auto vip = read(installed.tables.vip, encode(route));
    if (!vip) {
        lines.push_back(fmt::format("vip{{{}}}: no entry", route.text()));
        return;
    }
    const auto affinity =
        vip->affinity == 0 ? "" : fmt::format(", clients keep their instance {} s", vip->affinity);
    lines.push_back(fmt::format("vip{{{}}}: id {}, fn {}, list {} of {}, when empty {}{}",
                                route.text(), vip->id, vip->fn, vip->generation, vip->count,
                                (vip->flags & DF_VIP_HOLD) != 0 ? "hold" : "refuse", affinity));
    for (std::uint32_t ordinal = 0; ordinal < vip->count; ++ordinal) {
        explain_endpoint(installed, *vip, ordinal, lines);
    }
}

}  // namespace

Lines installed_entries(const Installed& installed, const model::AllowKey& edge,
                        const std::vector<model::RouteKey>& routes) {
    Lines lines;
    const auto& [tables, identities, open_counts, fast_path] = installed;
    const auto from = identities.find(edge.from);
    const auto to = identities.find(edge.to);
    explain_identity(tables, edge.from, from, lines);
    explain_identity(tables, edge.to, to, lines);
    if (from && to) {
        explain_edge(tables, from->id, to->id, lines);
        explain_caller(installed, from->id, lines);
    }
    for (const auto& route : routes) {
        explain_route(installed, route, lines);
    }
    return lines;
}

}  // namespace directfaas::backend::ebpf
