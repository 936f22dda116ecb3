// SPDX-License-Identifier: Apache-2.0
// Rules → flows. Pure: the same rules and numbers give the same flows, so what is installed can be
// compared with what should be.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/backend/ovs/bridge.h"
#include "agent/backend/ovs/state.h"

namespace directfaas::backend::ovs {

using Flows = std::vector<Flow>;

/// What the pipeline depends on beside rules and settings.
struct Surroundings {
    Mac bridge_mac{};
    df_reason full_zone{};  ///< why a connection is refused that finds no room in its zone
    Datapath datapath{};
};

/// The tables' own flows, whatever the rules are.
Flows pipeline_flows(const State& state, const Settings& settings, const Surroundings& around);
/// Which instance this is, and the next numbers: those of what is gone are not given again.
Flows numbers_flows(const State& state, const std::string& instance);
/// Addresses of the node itself: what comes from there is its own traffic.
Flows node_flows(const std::vector<util::IpAddress>& addresses);

Flows identity_flows(const State& state, const model::Identity& identity,
                     const model::IdentityRule& rule);
Flows address_flows(const State& state, const util::IpAddress& address,
                    const model::Identity& identity);
Flows edge_flows(const State& state, const model::AllowKey& edge);
/// In place of those of an open connection's edge while packets begin to follow its revocation:
/// they refuse, but count for no reason. What passed just before is counted late, and where its
/// like goes then.
Flows revoked_edge_flows(const State& state, const model::AllowKey& edge, const Settings& settings);
Flows pod_flows(const State& state, const model::ObjectName& pod, const model::AttachRule& rule,
                const Mac& bridge_mac);
Flows route_flows(const State& state, const model::RouteKey& key, const model::RouteRule& rule);
/// What holds for all ports of a vIP; none if no route has it or a pod has the address.
Flows vip_flows(const State& state, const util::IpAddress& vip);
/// Counts the denials of a pair. The switch adds it by itself at the first one.
Flow pair_flow(const State& state, const PairKey& pair);
std::optional<PairKey> pair_of(const Flow& flow);
/// Its buckets are the ready instances; no buckets, no group.
Group route_group(const State& state, const model::RouteKey& key, const model::RouteRule& rule);

/// Where each kind of counter is.
FlowKey function_counter(std::uint32_t function, FunctionTold told);
FlowKey edge_opened_counter(std::uint32_t mark);
FlowKey edge_bytes_counter(std::uint32_t mark, bool reply);
FlowKey tally_counter(df_reason reason, df_hook hook);

}  // namespace directfaas::backend::ovs
