// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "cli/table.h"

namespace directfaas::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kExamples{{
    {"status",
     "  dfctl status\n"
     "  dfctl status -o json | jq '.functions[] | select(.ready == 0) | .name'\n"},
    {"check", "  dfctl check                    with an agent or without\n"},
    {"rules",
     "  dfctl rules | grep ^allow      what may call what\n"
     "  diff <(dfctl rules) <(dfctl rules --installed)\n"},
    {"edges",
     "  dfctl edges\n"
     "  watch -n1 dfctl edges\n"},
    {"functions",
     "  dfctl functions\n"
     "  dfctl functions -o json | jq '.functions[] | {name, instances}'\n"},
    {"graph",
     "  dfctl graph | dot -Tsvg > chains.svg\n"
     "  dfctl graph mermaid            for a page that draws Mermaid\n"},
    {"explain",
     "  dfctl explain productpage ratings\n"
     "  dfctl explain shop/productpage shop/details:9080 && echo allowed\n"
     "  dfctl explain outside productpage      may the outside call it\n"},
    {"observe",
     "  dfctl observe -f --verdict refuse        who is turned away, as it happens\n"
     "  dfctl observe --to ratings --limit 20    the last 20 about one function\n"
     "  dfctl observe -f -o json | jq -r .reason | sort | uniq -c\n"},
    {"top",
     "  dfctl top                                functions, the busiest first\n"
     "  dfctl top --edges --interval 5s\n"
     "  dfctl top -n 1 -o json                   one reading, for a script\n"},
    {"attach", "  dfctl attach shop/details-1 veth4a2c\n"},
    {"detach",
     "  dfctl detach shop/details-1\n"
     "  dfctl detach --all --timeout 2m          uninstall; with an agent or without\n"},
    {"validate",
     "  dfctl validate -f manifests/\n"
     "  dfctl validate -f chain.yaml -f services.yaml --pod-network 10.244.0.0/16\n"},
    {"import",
     "  dfctl import stack.yml > chain.yaml && dfctl validate -f chain.yaml\n"
     "  dfctl import users.yml orders.yml --name shop --edges-from-environment\n"},
    {"sysdump",
     "  dfctl sysdump\n"
     "  dfctl sysdump --file /tmp/dump.tar.gz\n"
     "  dfctl sysdump -o json                    the files as JSON, for programs\n"},
    {"version", "  dfctl version\n"},
    {"completion",
     "  source <(dfctl completion bash)\n"
     "  dfctl completion zsh > \"${fpath[1]}/_dfctl\"\n"
     "  dfctl completion fish > ~/.config/fish/completions/dfctl.fish\n"},
}};

/// " NAME" for a flag with a value.
std::string value_of(const CLI::Option& option) {
    const bool value = !option.get_positional() && option.get_items_expected_max() > 0;
    return value ? " " + option.get_option_text() : "";
}

std::string flag_text(const CLI::Option& option) {
    const auto& short_names = option.get_snames();
    std::string text = short_names.empty() ? "    " : "-" + short_names.front() + ", ";
    return text + "--" + option.get_lnames().front() + value_of(option);
}

std::string usage(const CLI::App& app) {
    if (app.get_parent() == nullptr) {
        return fmt::format("Usage: {} [FLAGS] COMMAND [ARGUMENTS]\n", app.get_name());
    }
    std::string line = fmt::format("Usage: {} {}", app.get_parent()->get_name(), app.get_name());
    for (const CLI::Option* option : app.get_options()) {
        const auto name = option->get_positional() ? option->get_name() : flag_text(*option);
        if (option->get_required()) {
            line += " " + name.substr(0, name.find(',')) + value_of(*option);
        } else if (option->get_positional()) {
            line += " [" + name + "]";
        }
    }
    return line + " [FLAGS]\n";
}

enum class Which { kArguments, kFlags, kInherited };

void add_options(Table& table, const CLI::App& app, Which which) {
    for (const CLI::Option* option : app.get_options()) {
        const bool own_only = option == app.get_help_ptr() || option == app.get_version_ptr();
        if (option->get_positional() != (which == Which::kArguments) ||
            (own_only && which == Which::kInherited)) {
            continue;
        }
        table.add({which == Which::kArguments ? option->get_name() : flag_text(*option),
                   option->get_description()});
    }
}

std::string section(const char* title, const Table& table) {
    return table.empty() ? "" : fmt::format("\n{}:\n{}", title, table.text({}, 2));
}

}  // namespace

std::string HelpText::make_help(const CLI::App* app, std::string /*name*/,
                                CLI::AppFormatMode /*mode*/) const {
    const std::vector<Column> columns{{""}, {""}};
    Table commands(columns);
    for (const CLI::App* sub : app->get_subcommands(nullptr)) {
        commands.add({sub->get_name(), sub->get_description()});
    }
    Table arguments(columns);
    add_options(arguments, *app, Which::kArguments);
    Table flags(columns);
    add_options(flags, *app, Which::kFlags);
    std::string text = fmt::format("{}\n\n{}{}{}{}", app->get_description(), usage(*app),
                                   section("Commands", commands), section("Arguments", arguments),
                                   section("Flags", flags));
    if (app->get_parent() != nullptr) {
        Table global(columns);
        add_options(global, *app->get_parent(), Which::kInherited);
        text += section("Flags of every command", global);
        return text + "\nExamples:\n" + app->get_footer() +
               fmt::format("\nExit status: see `{} --help`.\n", app->get_parent()->get_name());
    }
    return text + "\n" + app->get_footer();
}

std::string examples_of(const std::string& command, Program program) {
    std::string text;
    for (const auto& [name, examples] : kExamples) {
        if (name == command) {
            text = examples;
        }
    }
    if (program == Program::kDfctl) {
        return text;
    }
    constexpr std::string_view kOther = "dfctl ";
    for (auto at = text.find(kOther); at != std::string::npos; at = text.find(kOther, at + 1)) {
        text.replace(at, kOther.size(), program_name(program) + " ");
    }
    // A plugin's -n is a namespace, as everywhere in kubectl.
    const auto count = text.find("top -n 1");
    return count == std::string::npos ? text : text.replace(count, 8, "top --count 1");
}

std::string main_footer(Program program) {
    const bool plugin = program == Program::kPlugin;
    return fmt::format(
        "Exit status:\n"
        "  0  fine\n"
        "  1  the answer is \"no\": status not ready, check failed, explain not allowed,\n"
        "     validate or import found errors\n"
        "  2  wrong usage{}\n"
        "  3  {}\n"
        "  4  {}\n"
        "{}"
        "\n"
        "{}"
        "`{} COMMAND --help` has examples.\n",
        plugin ? "" : ", or several agents run and none was named",
        plugin ? "no agent was found or none answered; the message says why"
               : "no agent, no permission to ask it, or it went away before it answered",
        plugin ? "the output could not be written" : "the agent answered with an error",
        plugin
            ? "  5  some nodes gave no answer: they are named, and what the others said is shown\n"
            : "",
        plugin ? "Agents are found by `kubectl get pods` and asked by `kubectl exec`.\n"
               : "DIRECTFAAS_INSTANCE and DIRECTFAAS_SOCKET stand in for the flags of the same "
                 "name.\n",
        program_name(program));
}

}  // namespace directfaas::cli
