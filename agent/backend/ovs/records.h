// SPDX-License-Identifier: Apache-2.0
// What the agent reads back after a restart: names and settings, as text in the notes of the flows
// that they belong to. The switch is the only store; there is no file that could disagree with it.
#pragma once

#include <string>
#include <vector>

#include "agent/backend/ovs/flow.h"
#include "agent/backend/ovs/state.h"

namespace directfaas::backend::ovs {

std::string identity_record(const model::Identity& identity, const model::IdentityRule& rule);
std::string route_record(std::uint32_t function, const model::RouteRule& rule);
std::string endpoint_record(std::uint32_t route, const model::RouteEndpoint& endpoint);
std::string pod_record(const model::ObjectName& name, const model::AttachRule& rule,
                       const PodPlace& place);

std::string numbers_record(const State& state, const std::string& instance);

/// The state that left these flows, counters' bases included. What cannot be read is left out:
/// comparing flows with rules then finds it missing.
State read_state(const std::vector<FoundFlow>& flows);

}  // namespace directfaas::backend::ovs
