// SPDX-License-Identifier: Apache-2.0
// Carries a command out: ask, render, decide the exit status.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cli/agent_program.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"
#include "lib/model/model.h"

namespace directfaas::cli {

/// What a command needs of the world around it; tests bring their own.
struct World {
    Output& out;
    Output& err;
    std::string run_directory;
    Style out_style;  // colours on standard output
    Style err_style;
    RunProgram run_program;
    std::function<std::vector<model::Problem>(const std::vector<std::string>&,
                                              const model::NodeSettings&)>
        validate;
    std::chrono::milliseconds patience{30000};  // how long an answer may take
    std::string program = "dfctl";              // as messages name it
};

/// Runs one command and returns dfctl's exit status.
int run(const Options& options, World& world);

}  // namespace directfaas::cli
