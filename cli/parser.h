// SPDX-License-Identifier: Apache-2.0
// The grammar of the command line, in CLI11's terms. Private to options.cpp and parser.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/options.h"

namespace directfaas::cli {

using Choices = std::vector<std::string>;

inline const Choices kFormats{"table", "json", "yaml"};   // in the order of Format
inline const Choices kColors{"auto", "always", "never"};  // ColorMode
inline const Choices kGraphs{"dot", "mermaid"};           // GraphLanguage
inline const Choices kShells{"bash", "zsh", "fish"};      // Shell

/// Where CLI11 puts what it reads, before it is checked and given its type.
struct Words {
    std::string format = "table";
    std::string color = "auto";
    std::string to;
    std::string timeout = "60s";
    std::string pod;
    bool all = false;
    std::uint64_t limit = 0;
    std::uint64_t count = 0;
    std::string interval = "1s";
    std::string node_timeout = "30s";
    std::vector<std::string> networks;
    std::string shell;
    std::string graph = "dot";
    RulesCommand rules;
    ExplainCommand explain;
    ObserveCommand observe;
    TopCommand top;
    AttachCommand attach;
    ValidateCommand validate;
    ImportCommand stack;
    SysdumpCommand sysdump;
};

/// The parser and the values it fills. Not copied: CLI11 keeps their addresses.
struct Parser {
    Program program;
    CLI::App app;
    Options options;
    Words words;

    explicit Parser(Program program);
    CLI::App* command(const char* name, const char* help);
};

}  // namespace directfaas::cli
