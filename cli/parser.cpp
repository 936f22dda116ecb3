// SPDX-License-Identifier: Apache-2.0
#include "cli/parser.h"

#include "cli/command_line.h"
#include "cli/help.h"

namespace directfaas::cli {

CLI::App* Parser::command(const char* name, const char* help) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->fallthrough();
    sub->footer(examples_of(name, program));
    return sub;
}

namespace {

void add_of_one_host(CLI::App& app, Options& options) {
    app.add_option("--instance", options.instance,
                   "which agent, where several run (default: the only one)")
        ->option_text("NAME")
        ->envname("DIRECTFAAS_INSTANCE");
    app.add_option("--socket", options.socket,
                   "the agent's socket (default: /run/directfaas/INSTANCE.sock)")
        ->option_text("PATH")
        ->envname("DIRECTFAAS_SOCKET");
}

void add_of_cluster(CLI::App& app, ClusterOptions& options, Words& words) {
    app.add_option("-n,--namespace", options.name_space,
                   "of the agents (default directfaas-system)")
        ->option_text("NAME");
    app.add_option("--context", options.context, "of kubeconfig, as for kubectl")
        ->option_text("NAME");
    app.add_option("--kubeconfig", options.kubeconfig, "as for kubectl")->option_text("PATH");
    app.add_option("--node", options.nodes, "only this node; may be repeated")
        ->option_text("NAME")
        ->allow_extra_args(false);
    app.add_option("--timeout", words.node_timeout, "for each node's answer (default 30s)")
        ->option_text("TIME");
    app.add_option("--parallel", options.parallel, "nodes asked at the same time (default 16)")
        ->option_text("N")
        ->check(CLI::Range(1U, 256U));
}

void add_global(Parser& parser) {
    auto& app = parser.app;
    if (parser.program == Program::kPlugin) {
        parser.options.cluster.on = true;
        add_of_cluster(app, parser.options.cluster, parser.words);
    } else {
        add_of_one_host(app, parser.options);
    }
    app.add_option("-o,--output", parser.words.format,
                   "table (default) or json; of import: yaml (default) or json")
        ->option_text("FORMAT")
        ->check(CLI::IsMember(kFormats));
    app.add_option("--color", parser.words.color,
                   "auto (default), always or never; NO_COLOR is honoured")
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
    parser.command("functions", "What each function serves, and what came of the calls to it");
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

void add_end_with_input(const Parser& parser, CLI::App& app, bool& flag) {
    if (parser.program == Program::kPlugin) {
        return;
    }
    app.add_flag("--end-with-input", flag,
                 "end when nobody holds standard input, a pipe, any more");
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
    add_end_with_input(parser, *observe, words.end_with_input);
}

void add_top(Parser& parser) {
    CLI::App* top = parser.command("top", "Calls a second, as they happen");
    top->add_flag("--edges", parser.words.top.edges, "of edges instead of functions");
    top->add_option(parser.program == Program::kPlugin ? "--count" : "-n,--count",
                    parser.words.count, "end after so many readings (default: when interrupted)")
        ->option_text("N")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1000000}));
    top->add_option("--interval", parser.words.interval, "between readings (default 1s)")
        ->option_text("TIME");
    add_end_with_input(parser, *top, parser.words.top.end_with_input);
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
    CLI::App* sysdump =
        parser.command("sysdump", "Write all that is known into one .tar.gz, for a bug report");
    sysdump
        ->add_option("--file", parser.words.sysdump.file,
                     "where to (default: directfaas-sysdump-HOST-TIME.tar.gz)")
        ->option_text("PATH");
    CLI::App* stack = parser.command("import", "Make FunctionChains of OpenFaaS's stack files");
    stack->add_option("FILE", parser.words.stack.files, "stack.yml; several are taken together")
        ->required()
        ->option_text(" ");
    stack
        ->add_option("-n,--namespace", parser.words.stack.name_space,
                     "of functions whose file names none (default openfaas-fn)")
        ->option_text("NAME");
    stack->add_option("--name", parser.words.stack.name, "of the chain (default: the file's)")
        ->option_text("NAME");
    stack->add_flag("--edges-from-environment", parser.words.stack.edges_from_environment,
                    "also make edges of URLs of functions in their environment");
    parser.command("version", "Versions of dfctl and of the agent");
    if (parser.program == Program::kPlugin) {
        return;  // kubectl completes its plugins by itself
    }
    CLI::App* completion =
        parser.command("completion", "Print a script that completes dfctl's words");
    completion->add_option("SHELL", parser.words.shell, "bash, zsh or fish")
        ->required()
        ->option_text(" ")
        ->check(CLI::IsMember(kShells));
}

}  // namespace

Parser::Parser(Program called)
    : program(called),
      app(called == Program::kPlugin
              ? "Looks into the DirectFaaS of a cluster, over all of its nodes."
              : "Looks into and steers the DirectFaaS agent of this node.",
          program_name(called)) {
    app.formatter(std::make_shared<HelpText>());
    app.set_help_flag("-h,--help", "this text");
    app.set_version_flag("--version", app.get_name() + " " DF_VERSION, "version of this program");
    app.require_subcommand(1);
    app.footer(main_footer(program));
    add_global(*this);
    add_questions(*this);
    add_observe(*this);
    add_top(*this);
    if (program == Program::kDfctl) {
        add_acts(*this);
    }
    add_offline(*this);
}

std::string program_name(Program program) {
    return program == Program::kPlugin ? "kubectl directfaas" : "dfctl";
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
        flag.choices = {kFormats[0], kFormats[1]};  // yaml is import's default
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

CommandLine describe_command_line(Program program) {
    const Parser parser(program);
    CommandLine line{flags_of(parser.app), {}};
    for (const CLI::App* sub : parser.app.get_subcommands(nullptr)) {
        const auto name = sub->get_name();
        line.commands.push_back({name, sub->get_description(), flags_of(*sub),
                                 name == "completion" ? kShells
                                 : name == "graph"    ? kGraphs
                                                      : Choices{},
                                 name == "import"});
    }
    return line;
}

}  // namespace directfaas::cli
