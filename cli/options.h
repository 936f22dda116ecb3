// SPDX-License-Identifier: Apache-2.0
// The command line as values. The only file of dfctl that knows CLI11 is options.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/util/address.h"

namespace directfaas::cli {

enum class Format : std::uint8_t { kTable, kJson };
enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };
enum class GraphLanguage : std::uint8_t { kDot, kMermaid };
enum class Shell : std::uint8_t { kBash, kZsh, kFish };

struct StatusCommand {};
struct CheckCommand {};
struct RulesCommand {
    bool installed = false;
};
struct EdgesCommand {};
struct GraphCommand {
    GraphLanguage language = GraphLanguage::kDot;
};
struct ExplainCommand {
    std::string from;
    std::string to;
    std::optional<std::uint16_t> port;
};
struct ObserveCommand {
    bool follow = false;
    std::string verdict;  // empty: any; the same for the other filters
    std::string reason;
    std::string from;
    std::string to;
    std::optional<std::uint64_t> limit;
};
struct AttachCommand {
    std::string pod;
    std::string interface;
};
struct DetachCommand {
    std::string pod;  // empty: all
    std::chrono::milliseconds timeout{};
};
struct ValidateCommand {
    std::vector<std::string> paths;
    std::vector<util::IpPrefix> pod_networks;
};
struct VersionCommand {};
struct CompletionCommand {
    Shell shell = Shell::kBash;
};
using Command = std::variant<StatusCommand, CheckCommand, RulesCommand, EdgesCommand, GraphCommand,
                             ExplainCommand, ObserveCommand, AttachCommand, DetachCommand,
                             ValidateCommand, VersionCommand, CompletionCommand>;

struct Options {
    Command command;
    std::string instance;  // empty: find the only one
    std::string socket;    // empty: by instance
    Format format = Format::kTable;
    ColorMode color = ColorMode::kAuto;
};

/// Text to print and an exit status, when the command line asks for nothing else: help, or an
/// error.
struct ParseStop {
    int exit = 0;
    std::string text;
};

/// Parses what follows the program's name. DIRECTFAAS_INSTANCE and DIRECTFAAS_SOCKET stand in for
/// the flags of the same name.
std::expected<Options, ParseStop> parse_options(const std::vector<std::string>& arguments);

/// "500ms", "60s", "2m" or a number of seconds. Nothing for anything else or more than a day.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A script that completes dfctl's commands and flags, made from the same definition that parses
/// them.
std::string completion_script(Shell shell);

}  // namespace directfaas::cli
