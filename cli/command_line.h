// SPDX-License-Identifier: Apache-2.0
// The definition of the command line as plain values, for what is generated from it.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace directfaas::cli {

struct FlagDescription {
    std::vector<std::string> names;  // "-o", "--output"
    std::string help;
    bool takes_value = false;
    bool takes_path = false;
    std::vector<std::string> choices;  // the only values, if there are few
};

struct CommandDescription {
    std::string name;
    std::string help;
    std::vector<FlagDescription> flags;
    std::vector<std::string> choices;  // of its argument
    bool takes_paths = false;          // its arguments are files
};

struct CommandLine {
    std::vector<FlagDescription> global;  // understood before and after the command
    std::vector<CommandDescription> commands;
};

/// The command line that parse_options() understands.
CommandLine describe_command_line(Program program = Program::kDfctl);

}  // namespace directfaas::cli
