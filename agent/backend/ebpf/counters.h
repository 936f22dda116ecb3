// SPDX-License-Identifier: Apache-2.0
// Reads all counters. In two steps, so that a scrape never waits for rules and rules never wait for
// a scrape: first who there is, under the backend's lock, then the kernel's tables without it.
#pragma once

#include <memory>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/backend/ebpf/addresses.h"
#include "agent/backend/ebpf/attachments.h"
#include "agent/backend/ebpf/edges.h"
#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/routes.h"
#include "agent/backend/ebpf/sweep.h"
#include "agent/backend/ebpf/tables.h"

namespace directfaas::backend::ebpf {

/// Who there is to be counted, at one moment.
struct Census {
    struct Edge {
        std::shared_ptr<const model::Identity> from;
        std::shared_ptr<const model::Identity> to;
        std::uint32_t id = 0;
        std::uint32_t gen = 0;
        std::uint64_t open = 0;
    };
    std::vector<Identities::Named> identities;
    std::vector<Edge> edges;
    std::map<util::IpAddress, std::uint64_t> open_by_instance;  // only those with connections
    std::map<std::string, std::uint64_t> entries;               // of tables, by name
    FastPathFigures fast_path;
    std::vector<UplinkStanding> uplinks;
};

Census take_census(const Identities& identities, const Edges& edges, const Addresses& addresses,
                   const Routes& routes, const Attachments& attachments, const Gauges& gauges,
                   const OpenCounts& open_counts);

/// Reads the counters of everybody in the census. What has been removed or replaced meanwhile is
/// left out. Thread-safe.
util::Result<Counters> read_counters(const Tables& tables, const Census& census);

}  // namespace directfaas::backend::ebpf
