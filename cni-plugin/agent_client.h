// SPDX-License-Identifier: Apache-2.0
// One question to the node's agent (docs/control-protocol.md), with a deadline for all of it.
#pragma once

#include <chrono>
#include <expected>
#include <string>

#include "cni-plugin/call.h"

namespace directfaas::cni {

/// The agent's answer, `ok` false included; an error (one sentence) when there is none in time.
std::expected<Json, std::string> ask_agent(const std::string& socket, const Json& request,
                                           std::chrono::milliseconds patience);

}  // namespace directfaas::cni
