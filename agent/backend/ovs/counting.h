// SPDX-License-Identifier: Apache-2.0
// Flows' statistics as the agent's counters.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/backend/ovs/bridge.h"
#include "agent/backend/ovs/state.h"
#include "agent/backend/ovs/tables.h"

namespace directfaas::backend::ovs {

using Totals = std::map<FlowKey, Base>;

/// Reads the counting flows, with what each has counted since it was last put in; large tables in
/// slices, between which ovs-vswitchd does its other work.
class CountingFlows {
   public:
    util::Result<std::vector<FoundFlow>> read(Bridge& bridge);

   private:
    /// By table: how many there were last time.
    std::map<std::uint8_t, std::size_t> sizes_{{table::kFunction, 0},
                                               {table::kCount, 0},
                                               {table::kLiveEdge, 0},
                                               {table::kTally, 0},
                                               {table::kPair, 0}};
};

/// What they have counted, by flow, and the denied pairs that have a flow. Needs no state: with
/// thousands of functions it takes so long that changes of the rules should not wait for it.
struct Counted {
    Totals totals;
    std::set<PairKey> pairs;
};
Counted sum_up(const std::vector<FoundFlow>& flows);
/// Adds what they had counted before they were last put in; pairs that are new are put into
/// `state`.
void add_earlier(Counted& counted, State& state);

/// Open connections as the connection tracker knows them.
struct OpenConnections {
    std::map<std::uint32_t, std::uint64_t> by_mark;
    std::map<util::IpAddress, std::uint64_t> by_instance;
    std::uint64_t all = 0;
};
/// Reads `ovs-appctl dpctl/dump-conntrack`.
OpenConnections read_open_connections(const std::string& dump);

Counters make_counters(const State& state, const Totals& totals, const OpenConnections& open);

}  // namespace directfaas::backend::ovs
