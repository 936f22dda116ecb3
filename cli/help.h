// SPDX-License-Identifier: Apache-2.0
// How help looks: usage, arguments, flags, examples, exit statuses; no line beyond 100 columns.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/options.h"

namespace directfaas::cli {

/// Lays help out in two aligned columns.
class HelpText : public CLI::Formatter {
   public:
    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override;
};

/// Examples of one command, "" if it has none.
std::string examples_of(const std::string& command, Program program);
/// What stands below the list of commands.
std::string main_footer(Program program);

}  // namespace directfaas::cli
