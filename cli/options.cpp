// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>

#include "cli/parser.h"
#include "cli/text.h"
#include "lib/manifest/names.h"
#include "lib/util/number.h"

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
    const auto port = util::parse_number<std::uint16_t>(word.substr(colon + 1)).value_or(0);
    if (port == 0 || explain.to.empty()) {
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

TopCommand top_command(const Words& words) {
    auto command = words.top;
    const auto interval = parse_duration(words.interval);
    if (!interval || *interval < std::chrono::milliseconds(100)) {
        throw CLI::ValidationError(
            "--interval",
            fmt::format("`{}` is no time such as 500ms or 2s, 100ms at least", words.interval));
    }
    command.interval = *interval;
    command.count = words.count == 0 ? std::nullopt : std::optional(words.count);
    return command;
}

ImportCommand import_command(const Words& words) {
    for (const auto& [flag, name] : {std::pair("--namespace", words.stack.name_space),
                                     std::pair("--name", words.stack.name)}) {
        if (!name.empty() && !manifest::is_dns_label(name)) {
            throw CLI::ValidationError(
                flag, fmt::format("`{}` is no name: at most 63 of a-z, 0-9 and -", name));
        }
    }
    return words.stack;
}

/// The format, which has to suit the command.
Format format_of(const Words& words, const Command& command) {
    const auto format = choice<Format>(words.format, kFormats);
    if (format == Format::kYaml && !std::holds_alternative<ImportCommand>(command)) {
        throw CLI::ValidationError("--output", "yaml is what import writes; use json");
    }
    return format;
}

template <typename Plain>
Command plain(Words& /*words*/) {
    return Plain{};
}

template <auto Member>
Command as_read(Words& words) {
    return words.*Member;
}

Command explain_command(Words& words) {
    split_port(words.to, words.explain);
    return words.explain;
}

Command observe_command(Words& words) {
    words.observe.limit = words.limit == 0 ? std::nullopt : std::optional(words.limit);
    return words.observe;
}

Command command_of(const std::string& name, Words& words) {
    static const std::map<std::string_view, Command (*)(Words&)> kCommands{
        {"status", plain<StatusCommand>},
        {"check", plain<CheckCommand>},
        {"rules", as_read<&Words::rules>},
        {"edges", plain<EdgesCommand>},
        {"functions", plain<FunctionsCommand>},
        {"top", [](Words& w) -> Command { return top_command(w); }},
        {"graph",
         [](Words& w) -> Command { return GraphCommand{choice<GraphLanguage>(w.graph, kGraphs)}; }},
        {"explain", explain_command},
        {"observe", observe_command},
        {"attach", as_read<&Words::attach>},
        {"detach", [](Words& w) -> Command { return detach_command(w); }},
        {"validate", [](Words& w) -> Command { return validate_command(w); }},
        {"import", [](Words& w) -> Command { return import_command(w); }},
        {"sysdump", as_read<&Words::sysdump>},
        {"version", plain<VersionCommand>},
        {"completion",
         [](Words& w) -> Command { return CompletionCommand{choice<Shell>(w.shell, kShells)}; }}};
    return kCommands.at(name)(words);
}

/// What is wrong with the command line, and where to read on.
ParseStop usage_error(const CLI::App& app, std::string message) {
    const auto commands = app.get_subcommands();
    const auto& program = app.get_name();
    const auto asked = commands.empty() ? program : program + " " + commands.front()->get_name();
    const auto unknown = app.remaining(true);
    if (commands.empty()) {
        message = unknown.empty() ? "a command is missing"
                                  : "there is no command `" + unknown.front() + "`";
    }
    return {2, fmt::format("{}: {}\n  `{} --help` shows what there is\n", program,
                           printable(message), asked)};
}

}  // namespace

std::expected<Options, ParseStop> parse_options(const std::vector<std::string>& arguments,
                                                Program program) {
    Parser parser(program);
    try {
        parser.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
        auto& options = parser.options;
        options.command =
            command_of(parser.app.get_subcommands().front()->get_name(), parser.words);
        options.format = format_of(parser.words, options.command);
        options.color = choice<ColorMode>(parser.words.color, kColors);
        if (const auto limit = parse_duration(parser.words.node_timeout); limit && limit->count()) {
            options.cluster.timeout = *limit;
        } else {
            throw CLI::ValidationError("--timeout", fmt::format("`{}` is no time such as 30s or 2m",
                                                                parser.words.node_timeout));
        }
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
