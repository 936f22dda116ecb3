// SPDX-License-Identifier: Apache-2.0
// Speaks docs/control-protocol.md, written from that page and not from the agent's code.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lib/util/result.h"

namespace directfaas::support {

/// Sends one request to the agent's socket and returns its answer, `ok` false included. Fails
/// only when there is no agent or its answer is not one line of JSON.
util::Result<nlohmann::json> control_request(const std::string& socket_path,
                                             const nlohmann::json& request);

}  // namespace directfaas::support
