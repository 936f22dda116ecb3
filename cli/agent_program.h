// SPDX-License-Identifier: Apache-2.0
// Runs directfaas-agent for the two things that must work when no agent runs: looking at the
// machine and removing what an agent left in the kernel.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/util/result.h"

namespace directfaas::cli {

struct ProgramEnd {
    int exit = 0;        // 128 + signal if one ended it
    std::string output;  // its standard output, at most 16 MiB
};

/// Starts `arguments[0]` with the rest, waits for it. Its standard error is ours.
using RunProgram =
    std::function<util::Result<ProgramEnd>(const std::vector<std::string>& arguments)>;

/// A RunProgram that looks for "directfaas-agent" beside this executable first, then in PATH.
util::Result<ProgramEnd> run_agent_program(const std::vector<std::string>& arguments);

}  // namespace directfaas::cli
