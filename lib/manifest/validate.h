// SPDX-License-Identifier: Apache-2.0
// `dfctl validate -f`: the agent's verdict on files and directories, without an agent.
#pragma once

#include <string>
#include <vector>

#include "lib/model/model.h"

namespace directfaas::manifest {

/// Reads files and directories as the agent reads its directory, takes all of them as one state
/// and returns every problem, sorted by file and line. No error among them: the agent accepts it.
std::vector<model::Problem> validate(const std::vector<std::string>& paths,
                                     const model::NodeSettings& settings);

}  // namespace directfaas::manifest
