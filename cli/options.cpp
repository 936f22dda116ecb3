// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "cli/parser.h"
#include "cli/text.h"

namespace directfaas::cli {
namespace {

template <typename Value>
Value choice(const std::string& word, const Choices& choices) {
    return static_cast<Value>(std::ranges::find(choices, word) - choices.begin());
}

/// "ratings:9080" -> the name, and the port if there is one.
void split_port(const std::string& word, ExplainCommand& explain) {
    const auto colon = word.rfind(':');
    explain.to = word.substr(0, colon);
    if (colon == std::string::npos) {
        return;
    }
    std::uint16_t port = 0;
    const char* end = word.data() + word.size();
    const auto parsed = std::from_chars(word.data() + colon + 1, end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end || port == 0 || explain.to.empty()) {
        throw CLI::ValidationError(
            "TO", fmt::format("`{}` is not NAME:PORT with a port of 1 to 65535", word));
    }
    explain.port = port;
}

DetachCommand detach_command(const Words& words) {
    if (words.pod.empty() && !words.all) {
        throw CLI::RequiredError("POD or --all");
    }
    const auto timeout = parse_duration(words.timeout);
    if (!timeout) {
        throw CLI::ValidationError("--timeout",
                                   fmt::format("`{}` is no time such as 60s or 2m", words.timeout));
    }
    return {words.pod, *timeout};
}

ValidateCommand validate_command(const Words& words) {
    auto command = words.validate;
    for (const auto& network : words.networks) {
        const auto prefix = util::IpPrefix::parse(network);
        if (!prefix) {
            throw CLI::ValidationError(
                "--pod-network", fmt::format("`{}` is no prefix such as 10.244.0.0/16", network));
        }
        command.pod_networks.push_back(*prefix);
    }
    return command;
}

Command command_of(const std::string& name, Words& words) {
    if (name == "check") {
        return CheckCommand{};
    }
    if (name == "rules") {
        return words.rules;
    }
    if (name == "edges") {
        return EdgesCommand{};
    }
    if (name == "graph") {
        return GraphCommand{choice<GraphLanguage>(words.graph, kGraphs)};
    }
    if (name == "explain") {
        split_port(words.to, words.explain);
        return words.explain;
    }
    if (name == "observe") {
        words.observe.limit = words.limit == 0 ? std::nullopt : std::optional(words.limit);
        return words.observe;
    }
    if (name == "attach") {
        return words.attach;
    }
    if (name == "detach") {
        return detach_command(words);
    }
    if (name == "validate") {
        return validate_command(words);
    }
    if (name == "version") {
        return VersionCommand{};
    }
    if (name == "completion") {
        return CompletionCommand{choice<Shell>(words.shell, kShells)};
    }
    return StatusCommand{};
}

/// What is wrong with the command line, and where to read on.
ParseStop usage_error(const CLI::App& app, std::string message) {
    const auto commands = app.get_subcommands();
    const auto asked = commands.empty() ? "dfctl" : "dfctl " + commands.front()->get_name();
    const auto unknown = app.remaining(true);
    if (commands.empty()) {
        message = unknown.empty() ? "a command is missing"
                                  : "there is no command `" + unknown.front() + "`";
    }
    return {2, fmt::format("dfctl: {}\n  `{} --help` shows what there is\n", printable(message),
                           asked)};
}

}  // namespace

std::expected<Options, ParseStop> parse_options(const std::vector<std::string>& arguments) {
    Parser parser;
    try {
        parser.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
        auto& options = parser.options;
        options.command =
            command_of(parser.app.get_subcommands().front()->get_name(), parser.words);
        options.format = choice<Format>(parser.words.format, kFormats);
        options.color = choice<ColorMode>(parser.words.color, kColors);
        if (options.instance.find('/') != std::string::npos) {
            throw CLI::ValidationError("--instance", "a name without `/`; use --socket for a path");
        }
        return options;
    } catch (const CLI::CallForHelp&) {
        const auto commands = parser.app.get_subcommands();
        return std::unexpected(
            ParseStop{0, (commands.empty() ? &parser.app : commands.front())->help()});
    } catch (const CLI::CallForVersion& version) {
        return std::unexpected(ParseStop{0, std::string(version.what()) + "\n"});
    } catch (const CLI::ParseError& error) {
        return std::unexpected(usage_error(parser.app, error.what()));
    }
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(parsed.ptr, text.data() + text.size() - parsed.ptr);
    std::uint64_t factor = 0;
    if (unit.empty() || unit == "s") {
        factor = 1000;
    } else if (unit == "ms") {
        factor = 1;
    } else if (unit == "m") {
        factor = 60000;
    }
    constexpr std::uint64_t kDay = 24ULL * 3600 * 1000;
    if (parsed.ec != std::errc() || factor == 0 || number > kDay / factor) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(number * factor);
}

}  // namespace directfaas::cli
