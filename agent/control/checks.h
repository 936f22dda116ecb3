// SPDX-License-Identifier: Apache-2.0
// What the machine can do, for `dfctl check` and for `directfaas-agent --check`.
#pragma once

#include <string>
#include <vector>

#include "agent/control/answers.h"

namespace directfaas::control {

/// Items as docs/control-protocol.md has them.
Json checks_json(const std::vector<backend::Capability>& capabilities);

/// A line for each, and what to do about those that are not fine.
std::string checks_table(const std::vector<backend::Capability>& capabilities);

/// Everything that is required is there.
bool enough(const std::vector<backend::Capability>& capabilities);

}  // namespace directfaas::control
