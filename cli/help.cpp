// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "cli/table.h"

namespace directfaas::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kExamples{{
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
    {"attach", "  dfctl attach shop/details-1 veth4a2c\n"},
    {"detach",
     "  dfctl detach shop/details-1\n"
     "  dfctl detach --all --timeout 2m          uninstall; with an agent or without\n"},
    {"validate",
     "  dfctl validate -f manifests/\n"
     "  dfctl validate -f chain.yaml -f services.yaml --pod-network 10.244.0.0/16\n"},
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
        return "Usage: dfctl [FLAGS] COMMAND [ARGUMENTS]\n";
    }
    std::string line = "Usage: dfctl " + app.get_name();
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
        return text + "\nExamples:\n" + app->get_footer() + "\nExit status: see `dfctl --help`.\n";
    }
    return text + "\n" + app->get_footer();
}

std::string examples_of(const std::string& command) {
    for (const auto& [name, text] : kExamples) {
        if (name == command) {
            return std::string(text);
        }
    }
    return {};
}

std::string main_footer() {
    return "Exit status:\n"
           "  0  fine\n"
           "  1  the answer is \"no\": status not ready, check failed, explain not allowed, "
           "validate refused\n"
           "  2  wrong usage, or several agents run and none was named\n"
           "  3  no agent, no permission to ask it, or it went away before it answered\n"
           "  4  the agent answered with an error\n"
           "\n"
           "DIRECTFAAS_INSTANCE and DIRECTFAAS_SOCKET stand in for the flags of the same name.\n"
           "`dfctl COMMAND --help` has examples.\n";
}

}  // namespace directfaas::cli
