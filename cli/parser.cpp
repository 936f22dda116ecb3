// SPDX-License-Identifier: Apache-2.0
#include "cli/parser.h"

#include "cli/command_line.h"
#include "cli/help.h"

namespace directfaas::cli {

CLI::App* Parser::command(const char* name, const char* help) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->fallthrough();
    sub->footer(examples_of(name));
    return sub;
}

namespace {

void add_global(CLI::App& app, Options& options, Words& words) {
    app.add_option("--instance", options.instance,
                   "which agent, where several run (default: the only one)")
        ->option_text("NAME")
        ->envname("DIRECTFAAS_INSTANCE");
    app.add_option("--socket", options.socket,
                   "the agent's socket (default: /run/directfaas/INSTANCE.sock)")
        ->option_text("PATH")
        ->envname("DIRECTFAAS_SOCKET");
    app.add_option("-o,--output", words.format, "table (default) or json")
        ->option_text("FORMAT")
        ->check(CLI::IsMember(kFormats));
    app.add_option("--color", words.color, "auto (default), always or never; NO_COLOR is honoured")
        ->option_text("WHEN")
        ->check(CLI::IsMember(kColors));
}

void add_questions(Parser& parser) {
    parser.command("status", "Is the agent ready, what does it serve, what is wrong");
    parser.command("check", "What this machine can do, and how to mend what it cannot");
    CLI::App* rules = parser.command("rules", "The flow table made from the manifests");
    rules->add_flag("--installed", parser.words.rules.installed,
                    "what the kernel or switch has instead");
    parser.command("edges", "Calls, bytes and handshake times per edge, and who was denied");
    CLI::App* graph = parser.command("graph", "The calls and denials of `edges` as a picture");
    graph->add_option("LANGUAGE", parser.words.graph, "dot (default) or mermaid")
        ->option_text(" ")
        ->check(CLI::IsMember(kGraphs));
    CLI::App* explain = parser.command("explain", "Whether one function may call another, and why");
    explain->add_option("FROM", parser.words.explain.from, "caller, as NAME or NAMESPACE/NAME")
        ->required()
        ->option_text(" ");
    explain
        ->add_option("TO", parser.words.to,
                     "called function, as NAME[:PORT] or NAMESPACE/NAME[:PORT]")
        ->required()
        ->option_text(" ");
}

void add_observe(Parser& parser) {
    auto& words = parser.words.observe;
    CLI::App* observe = parser.command("observe", "Decisions about flows, one a line");
    observe->add_flag("-f,--follow", words.follow, "wait for new ones until interrupted");
    observe->add_option("--verdict", words.verdict, "pass, drop, refuse, hold or audit")
        ->option_text("NAME");
    observe->add_option("--reason", words.reason, "one reason, no_edge for instance")
        ->option_text("NAME");
    observe->add_option("--from", words.from, "one caller")->option_text("FUNCTION");
    observe->add_option("--to", words.to, "one called function")->option_text("FUNCTION");
    observe->add_option("--limit", parser.words.limit, "stop after so many")
        ->option_text("N")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1000000}));
}

void add_acts(Parser& parser) {
    CLI::App* attach = parser.command("attach", "Attach the switch to a pod's interface");
    attach->add_option("POD", parser.words.attach.pod, "as NAMESPACE/NAME")
        ->required()
        ->option_text(" ");
    attach->add_option("IFACE", parser.words.attach.interface, "host side of its veth")
        ->required()
        ->option_text(" ");
    CLI::App* detach =
        parser.command("detach", "Detach one pod, or remove DirectFaaS from the kernel");
    CLI::Option* pod =
        detach->add_option("POD", parser.words.pod, "as NAMESPACE/NAME")->option_text(" ");
    CLI::Option* all =
        detach->add_flag("--all", parser.words.all, "every pod; leaves nothing in the kernel");
    pod->excludes(all);
    detach
        ->add_option("--timeout", parser.words.timeout,
                     "with --all: how long open connections may finish (default 60s)")
        ->option_text("TIME")
        ->needs(all);
}

void add_offline(Parser& parser) {
    CLI::App* validate =
        parser.command("validate", "Check manifests as the agent would, without an agent");
    validate
        ->add_option("-f,--file", parser.words.validate.paths, "file or directory; may be repeated")
        ->required()
        ->option_text("PATH...");
    validate
        ->add_option("--pod-network", parser.words.networks,
                     "a pod network: no vIP may lie in it; may be repeated")
        ->option_text("CIDR");
    parser.command("version", "Versions of dfctl and of the agent");
    CLI::App* completion =
        parser.command("completion", "Print a script that completes dfctl's words");
    completion->add_option("SHELL", parser.words.shell, "bash, zsh or fish")
        ->required()
        ->option_text(" ")
        ->check(CLI::IsMember(kShells));
}

}  // namespace

Parser::Parser() {
    app.formatter(std::make_shared<HelpText>());
    app.set_help_flag("-h,--help", "this text");
    app.set_version_flag("--version", "dfctl " DF_VERSION, "version of dfctl");
    app.require_subcommand(1);
    app.footer(main_footer());
    add_global(app, options, words);
    add_questions(*this);
    add_observe(*this);
    add_acts(*this);
    add_offline(*this);
}

namespace {

FlagDescription description_of(const CLI::Option& option) {
    FlagDescription flag;
    for (const auto& name : option.get_snames()) {
        flag.names.push_back("-" + name);
    }
    for (const auto& name : option.get_lnames()) {
        flag.names.push_back("--" + name);
    }
    flag.help = option.get_description();
    flag.takes_value = option.get_items_expected_max() > 0;
    flag.takes_path = option.get_option_text().starts_with("PATH");
    if (option.check_lname("output")) {
        flag.choices = kFormats;
    } else if (option.check_lname("color")) {
        flag.choices = kColors;
    }
    return flag;
}

std::vector<FlagDescription> flags_of(const CLI::App& app) {
    std::vector<FlagDescription> flags;
    for (const CLI::Option* option : app.get_options()) {
        if (!option->get_positional()) {
            flags.push_back(description_of(*option));
        }
    }
    return flags;
}

}  // namespace

CommandLine describe_command_line() {
    const Parser parser;
    CommandLine line{flags_of(parser.app), {}};
    for (const CLI::App* sub : parser.app.get_subcommands(nullptr)) {
        const auto name = sub->get_name();
        line.commands.push_back({name, sub->get_description(), flags_of(*sub),
                                 name == "completion" ? kShells
                                 : name == "graph"    ? kGraphs
                                                      : Choices{}});
    }
    return line;
}

}  // namespace directfaas::cli
