// SPDX-License-Identifier: Apache-2.0
// What /metrics and /readyz tell beside the switch's counters, as plain values; the agent's wiring
// fills them on the loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/model/rules.h"

namespace directfaas::status {

/// Counts by size, not cumulative; one bucket more than bounds, for the rest.
struct HistogramFigures {
    std::vector<double> bounds;  // upper, ascending
    std::vector<std::uint64_t> buckets;
    double sum = 0;
};

struct SyncFigures {
    bool in_sync = false;
    std::optional<std::chrono::system_clock::time_point> last_success;
    std::uint64_t failures = 0;
    std::uint64_t resyncs = 0;
    std::uint64_t drifts = 0;
    HistogramFigures duration;
};

struct SourceFigures {
    std::string name;
    std::size_t objects = 0;
    std::size_t errors = 0;
    std::size_t warnings = 0;
};

/// Outcome names are label values; every name is there from the start, with 0.
struct HoldFigures {
    std::map<std::string, std::uint64_t> calls;        // held calls by outcome
    std::map<std::string, std::uint64_t> sources;      // calls from unknown sources by outcome
    std::map<std::string, std::uint64_t> activations;  // by outcome
    std::uint64_t held = 0;                            // calls that were held
    std::uint64_t held_again = 0;  // replayed calls that came back: no instance any more
    std::uint64_t retransmits = 0;
    std::uint64_t replay_failures = 0;
    std::uint64_t replays_reset = 0;
    std::uint64_t datagrams_dropped = 0;
    std::uint64_t port_probes = 0;
    std::map<model::Identity, std::size_t>
        waiting;  // calls held now; those with none may be absent
    std::size_t sources_waiting = 0;
    std::size_t bytes = 0;
    std::size_t activations_running = 0;
    std::size_t activations_queued = 0;
    HistogramFigures waited;
    HistogramFigures listening_to_replay;
    HistogramFigures activation_duration;
};

struct AgentFigures {
    std::string version;
    std::string backend;
    SyncFigures sync;
    std::vector<SourceFigures> sources;
    std::size_t attached_pods = 0;
    std::size_t unattached_pods = 0;
    HoldFigures hold;
};

}  // namespace directfaas::status
