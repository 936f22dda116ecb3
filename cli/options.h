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

enum class Format : std::uint8_t { kTable, kJson, kYaml };  // kYaml: ImportCommand only
enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };
enum class GraphLanguage : std::uint8_t { kDot, kMermaid };
enum class Shell : std::uint8_t { kBash, kZsh, kFish };

struct StatusCommand {};
struct CheckCommand {};
struct RulesCommand {
    bool installed = false;
};
struct EdgesCommand {};
struct FunctionsCommand {};
struct TopCommand {
    bool edges = false;  // rates of edges instead of functions
    std::optional<std::uint64_t> count;
    std::chrono::milliseconds interval{};
    bool end_with_input = false;
};
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
    bool end_with_input = false;  // when standard input, a pipe, has no writer any more
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
struct ImportCommand {
    std::vector<std::string> files;
    std::string name_space = "openfaas-fn";  // of functions whose file names none
    std::string name;                        // of the chain; empty: by the first file
    bool edges_from_environment = false;
};
struct SysdumpCommand {
    std::string file;  // empty: by host and time, in the working directory
};
struct VersionCommand {};
struct CompletionCommand {
    Shell shell = Shell::kBash;
};
using Command = std::variant<StatusCommand, CheckCommand, RulesCommand, EdgesCommand, GraphCommand,
                             FunctionsCommand, TopCommand, ExplainCommand, ObserveCommand,
                             AttachCommand, DetachCommand, ValidateCommand, ImportCommand,
                             SysdumpCommand, VersionCommand, CompletionCommand>;

/// `kubectl directfaas`: which agents are asked, through kubectl.
struct ClusterOptions {
    bool on = false;
    std::string name_space = "directfaas-system";  // of the agents
    std::string kubeconfig;                        // empty: kubectl's own choice
    std::string context;
    std::vector<std::string> nodes;            // only these; empty: all
    std::chrono::milliseconds timeout{30000};  // for each node's answer
    std::uint32_t parallel = 16;               // nodes that are asked at the same time
};

struct Options {
    Command command;
    std::string instance;  // empty: find the only one
    std::string socket;    // empty: by instance
    Format format = Format::kTable;
    ColorMode color = ColorMode::kAuto;
    ClusterOptions cluster;
};

/// By which of its names the program was called: two command lines, of which many parts are one.
enum class Program : std::uint8_t { kDfctl, kPlugin };
/// "dfctl", "kubectl directfaas".
std::string program_name(Program program);

/// Text to print and an exit status, when the command line asks for nothing else: help, or an
/// error.
struct ParseStop {
    int exit = 0;
    std::string text;
};

/// Parses what follows the program's name. DIRECTFAAS_INSTANCE and DIRECTFAAS_SOCKET stand in for
/// the flags of the same name.
std::expected<Options, ParseStop> parse_options(const std::vector<std::string>& arguments,
                                                Program program = Program::kDfctl);

/// "500ms", "60s", "2m" or a number of seconds. Nothing for anything else or more than a day.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A script that completes dfctl's commands and flags, made from the same definition that parses
/// them.
std::string completion_script(Shell shell);

/// What `kubectl directfaas` may go on with, as kubectl asks its plugins: a candidate a line for
/// the last of `words`, then a line that says whether files may follow, too.
std::string plugin_completion(const std::vector<std::string>& words);

}  // namespace directfaas::cli
