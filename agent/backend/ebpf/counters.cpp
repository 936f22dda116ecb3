// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/counters.h"

#include <algorithm>
#include <unordered_map>

namespace directfaas::backend::ebpf {
namespace {

using util::Result;
using Names = std::unordered_map<std::uint32_t, std::shared_ptr<const model::Identity>>;

EdgeCounters decode(const df_edge_stats& stats) {
    EdgeCounters counters;
    counters.opened = stats.opened;
    counters.closed_by_caller = stats.closed_caller;
    counters.closed_by_callee = stats.closed_callee;
    counters.reset = stats.reset;
    counters.bytes_request = stats.bytes_request;
    counters.bytes_reply = stats.bytes_reply;
    counters.handshake_sum_ns = stats.handshake_sum_ns;
    counters.handshake_log2_us.assign(std::begin(stats.handshake), std::end(stats.handshake));
    return counters;
}

FunctionCounters decode(const df_fn_stats& stats) {
    return {stats.opened, stats.zero_syn, stats.held,
            stats.denied, stats.audited,  stats.no_endpoint};
}

Names names_of(const std::vector<Identities::Named>& identities) {
    Names names{{DF_IDENTITY_OUTSIDE, std::make_shared<const model::Identity>()}};
    for (const auto& identity : identities) {
        names[identity.number.id] = identity.name;
    }
    return names;
}

/// The generation is asked after the counters: if it is still the same, they belong to this edge.
Result<void> read_edges(const Tables& tables, const Census& census, Counters& counters) {
    for (const auto& edge : census.edges) {
        const auto stats = tables.edge_stats.sum(edge.id);
        const auto now = tables.edge.get(edge.id);
        if (!stats || !now) {
            return std::unexpected(stats ? now.error() : stats.error());
        }
        if (!*now || (*now)->gen != edge.gen || (*now)->live == 0) {
            continue;
        }
        auto& to = counters.edges[{*edge.from, *edge.to}];
        to = decode(*stats);
        to.open = edge.open;
    }
    return {};
}

Result<void> read_functions(const Tables& tables, const Census& census, Counters& counters) {
    for (const auto& [name, number] : census.identities) {
        if (name->kind != model::IdentityKind::kFunction) {
            continue;
        }
        const auto stats = tables.fn_stats.sum(number.id);
        const auto now = tables.fn.get(number.id);
        if (!stats || !now) {
            return std::unexpected(stats ? now.error() : stats.error());
        }
        if (*now && (*now)->gen == number.gen) {
            counters.functions[*name] = decode(*stats);
        }
    }
    return {};
}

Result<void> read_drops(const Tables& tables, Counters& counters) {
    for (std::uint32_t reason = 0; reason < DF_REASON_MAX; ++reason) {
        for (std::uint32_t hook = 0; hook < DF_HOOK_MAX; ++hook) {
            const auto drop = tables.drops.sum(reason * DF_HOOK_MAX + hook);
            if (!drop) {
                return std::unexpected(drop.error());
            }
            counters.drops.push_back({static_cast<df_reason>(reason), static_cast<df_hook>(hook),
                                      drop->packets, drop->bytes});
        }
    }
    return {};
}

Result<void> read_denied(const Tables& tables, const Names& names, Counters& counters) {
    return tables.denied.for_each([&](const df_denied_key& key, std::uint64_t calls) {
        const auto from = names.find(key.from);
        const auto to = names.find(key.to);
        if (from != names.end() && to != names.end()) {
            counters.denied.push_back(
                {*from->second, *to->second, static_cast<df_reason>(key.reason), calls});
        }
    });
}

Result<void> read_lost(const Tables& tables, Counters& counters) {
    const auto events = tables.ring_lost.sum(DF_RING_EVENTS);
    const auto held = tables.ring_lost.sum(DF_RING_HELD);
    if (!events || !held) {
        return std::unexpected(events ? held.error() : events.error());
    }
    counters.events_lost = *events;
    counters.held_lost = *held;
    return {};
}

Result<void> read_usage(const Tables& tables, const Census& census, Counters& counters) {
    auto entries = census.entries;
    entries["denied"] = counters.denied.size();
    auto& fragments = entries["frag"];
    auto counted = tables.frag.for_each([&](const df_frag_key&, const df_frag&) { ++fragments; });
    auto& kept = entries["kept"];
    if (counted) {
        counted = tables.kept.for_each([&](const df_ct_key&, std::uint64_t) { ++kept; });
    }
    for (const RawMap* table : tables.all()) {
        // Arrays of nobody and rings hold no entries that could run out.
        counters.tables.push_back(
            {table->name(), entries[table->name()], table->capacity(), table->memory()});
    }
    return counted;
}

}  // namespace

Census take_census(const Identities& identities, const Edges& edges, const Addresses& addresses,
                   const Routes& routes, const Attachments& attachments, const Gauges& gauges,
                   const OpenCounts& open_counts) {
    Census census;
    census.identities = identities.all();
    const Names names = names_of(census.identities);
    for (const auto& edge : edges.all()) {
        const auto from = names.find(edge.pair.first);
        const auto to = names.find(edge.pair.second);
        const auto open = gauges.open_by_edge.find(versioned(edge.id, edge.gen));
        if (from != names.end() && to != names.end()) {
            census.edges.push_back({from->second, to->second, edge.id, edge.gen,
                                    open == gauges.open_by_edge.end() ? 0 : open->second});
        }
    }
    for (const auto& [key, route] : routes.all()) {
        for (const auto& endpoint : route.endpoints) {
            if (const std::int64_t open = open_counts.at(endpoint.id); open > 0) {
                census.open_by_instance[endpoint.rule.address] += static_cast<std::uint64_t>(open);
            }
        }
    }
    census.entries = {{"fn", identities.in_use()},
                      {"fn_stats", identities.in_use()},
                      {"fn_port", identities.ports_in_use()},
                      {"veth", attachments.in_use()},
                      {"pod_name", attachments.in_use()},
                      {"budget", attachments.in_use() * 2},
                      {"ip_id", addresses.in_use()},
                      {"vip", routes.all().size()},
                      {"slots", routes.slots_in_use()},
                      {"ep", routes.endpoints_in_use()},
                      {"ep_open", routes.endpoints_in_use()},
                      {"allow", edges.in_use()},
                      {"edge", edges.in_use()},
                      {"edge_stats", edges.in_use()},
                      {"ct", gauges.entries}};
    return census;
}

Result<Counters> read_counters(const Tables& tables, const Census& census) {
    Counters counters;
    counters.open_by_instance = census.open_by_instance;
    counters.fast_path = census.fast_path;
    counters.uplinks = census.uplinks;
    auto done = read_edges(tables, census, counters);
    if (done) {
        done = read_functions(tables, census, counters);
    }
    if (done) {
        done = read_drops(tables, counters);
    }
    if (done) {
        done = read_denied(tables, names_of(census.identities), counters);
    }
    if (done) {
        done = read_lost(tables, counters);
    }
    if (done) {
        done = read_usage(tables, census, counters);
    }
    if (!done) {
        return std::unexpected(done.error());
    }
    return counters;
}

}  // namespace directfaas::backend::ebpf
