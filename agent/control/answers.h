// SPDX-License-Identifier: Apache-2.0
// The answers to dfctl's questions, as JSON (docs/control-protocol.md). No state of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/control/agent_access.h"

namespace directfaas::control {

/// Keeps the order in which fields are written, as the protocol lists them.
using Json = nlohmann::ordered_json;
using Answer = std::expected<Json, Refusal>;

Answer answer_status(AgentAccess& agent);
Answer answer_functions(AgentAccess& agent);
Answer answer_rules(AgentAccess& agent, bool installed);
Answer answer_edges(AgentAccess& agent);
Answer answer_explain(AgentAccess& agent, const std::string& from, const std::string& to,
                      std::optional<std::uint16_t> port);

/// {"ok": false, ...}
Json refusal_json(const Refusal& refusal);
/// CLOCK_MONOTONIC to RFC 3339 in UTC with microseconds needs the difference to the wall clock.
Json event_json(const backend::FlowEvent& event, std::chrono::nanoseconds wall_minus_monotonic);

}  // namespace directfaas::control
