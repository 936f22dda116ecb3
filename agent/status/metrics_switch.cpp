// SPDX-License-Identifier: Apache-2.0
// Families of the switch as a whole: packets by reason, tables, losses.
#include "agent/status/families.h"
#include "agent/status/metrics.h"

namespace directfaas::status {
namespace {

using backend::DropCounter;
using backend::TableUsage;
using prometheus::MetricFamily;

template <std::uint64_t DropCounter::* Field>
MetricFamily by_reason(const Snapshot& snapshot, const char* name, const char* help) {
    auto family = Family::counter(name, help);
    for (const auto& drop : snapshot.counters.drops) {
        family.add({{"reason", std::string(backend::reason_name(drop.reason))},
                    {"class", backend::reason_is_drop(drop.reason) ? "drop" : "note"},
                    {"hook", std::string(backend::hook_name(drop.hook))}},
                   static_cast<double>(drop.*Field));
    }
    return std::move(family).take();
}

template <std::uint64_t TableUsage::* Field>
MetricFamily by_table(const Snapshot& snapshot, const char* name, const char* help) {
    auto family = Family::gauge(name, help);
    for (const auto& table : snapshot.counters.tables) {
        family.add({{"map", table.name}}, static_cast<double>(table.*Field));
    }
    return std::move(family).take();
}

MetricFamily lost(const Snapshot& snapshot) {
    auto family = Family::counter("directfaas_lost_reports_total",
                                  "Reports of the switch to the agent that found no room.");
    family.add({{"kind", "event"}}, static_cast<double>(snapshot.counters.events_lost));
    family.add({{"kind", "held_packet"}}, static_cast<double>(snapshot.counters.held_lost));
    return std::move(family).take();
}

MetricFamily fast_interfaces(const Snapshot& snapshot) {
    auto family = Family::gauge("directfaas_fast_path_interfaces",
                                "Attached interfaces, by whether the fast path may be taken.");
    if (const auto& figures = snapshot.counters.fast_path) {
        const auto blocked = static_cast<double>(figures->obstacles.size());
        family.add({{"state", "usable"}}, static_cast<double>(figures->interfaces) - blocked);
        family.add({{"state", "blocked"}}, blocked);
    }
    return std::move(family).take();
}

MetricFamily fast_open(const Snapshot& snapshot) {
    auto family = Family::gauge("directfaas_fast_path_connections_open",
                                "Open connections between pods of this node that were opened on "
                                "the fast path.");
    if (const auto& figures = snapshot.counters.fast_path) {
        family.add({}, static_cast<double>(figures->open));
    }
    return std::move(family).take();
}

MetricFamily uplinks(const Snapshot& snapshot) {
    auto family = Family::gauge("directfaas_uplink_guarded",
                                "Whether packets that claim to be one of ours are dropped on the "
                                "device (--uplink).");
    for (const auto& uplink : snapshot.counters.uplinks) {
        family.add({{"device", uplink.device}}, uplink.problem.empty() ? 1 : 0);
    }
    return std::move(family).take();
}

}  // namespace

std::vector<MakeFamily> switch_families() {
    return {
        [](const Snapshot& s) {
            return by_reason<&DropCounter::packets>(
                s, "directfaas_packets_by_reason_total",
                "Packets the switch had something to say about. Class drop: they ended there; "
                "class note: they went on.");
        },
        [](const Snapshot& s) {
            return by_reason<&DropCounter::bytes>(s, "directfaas_bytes_by_reason_total",
                                                  "Bytes of those packets.");
        },
        [](const Snapshot& s) {
            return by_table<&TableUsage::entries>(s, "directfaas_map_entries",
                                                  "Entries of a table of the switch.");
        },
        [](const Snapshot& s) {
            return by_table<&TableUsage::capacity>(s, "directfaas_map_max_entries",
                                                   "Entries that a table of the switch can hold.");
        },
        [](const Snapshot& s) {
            return by_table<&TableUsage::bytes>(
                s, "directfaas_map_memory_bytes",
                "Kernel memory of a table of the switch, 0 if not known.");
        },
        lost,
        fast_interfaces,
        fast_open,
        uplinks,
    };
}

}  // namespace directfaas::status
