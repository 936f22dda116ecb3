// SPDX-License-Identifier: Apache-2.0
// The commands that are one question and one answer, and the choice among all.
#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/cluster/cluster.h"
#include "cli/render/render.h"
#include "cli/session.h"

namespace directfaas::cli {
namespace {

int status(Session& session) {
    return session.show(session.ask_agent({{"command", "status"}}), [&session](const Json& answer) {
        session.print(answer, render_status(answer, session.style()));
        return flag_at(answer, "ready") ? kExitFine : kExitNo;
    });
}

int rules(const RulesCommand& command, Session& session) {
    const Json request{{"command", "rules"}, {"installed", command.installed}};
    return session.show(session.ask_agent(request), [&](const Json& answer) {
        session.print(answer, render_rules(answer, command.installed, session.style()));
        return kExitFine;
    });
}

int edges(Session& session) {
    return session.show(session.ask_agent({{"command", "edges"}}), [&session](const Json& answer) {
        session.print(answer, render_edges(answer, session.style()));
        return kExitFine;
    });
}

int functions(Session& session) {
    return session.show(session.ask_agent({{"command", "functions"}}), [&](const Json& answer) {
        session.print(answer, render_functions(answer, session.style()));
        return kExitFine;
    });
}

int graph(const GraphCommand& command, Session& session) {
    return session.show(session.ask_agent({{"command", "edges"}}), [&](const Json& answer) {
        session.print(answer, render_graph(answer, command.language));
        return kExitFine;
    });
}

int explain(const ExplainCommand& command, Session& session) {
    Json request{{"command", "explain"}, {"from", command.from}, {"to", command.to}};
    if (command.port) {
        request["port"] = *command.port;
    }
    return session.show(session.ask_agent(request), [&session](const Json& answer) {
        session.print(answer, render_explain(answer, session.style()));
        return flag_at(answer, "allowed") ? kExitFine : kExitNo;
    });
}

int attach(const AttachCommand& command, Session& session) {
    const Json request{
        {"command", "attach"}, {"pod", command.pod}, {"interface", command.interface}};
    return session.show(session.ask_agent(request), [&](const Json& answer) {
        session.print(answer,
                      fmt::format("attached {} at {} (ifindex {})\n", printable(command.pod),
                                  printable(command.interface), text_at(answer, "ifindex")));
        return kExitFine;
    });
}

int detach_pod(const std::string& pod, Session& session) {
    const Json request{{"command", "detach"}, {"pod", pod}};
    return session.show(session.ask_agent(request), [&](const Json& answer) {
        const auto left = count_at(answer, "open_left");
        session.print(
            answer,
            fmt::format("detached {}{}\n", printable(pod),
                        left == 0 ? "" : "; " + plural(left, "connection") + " still open"));
        return kExitFine;
    });
}

Json problems_json(const std::vector<model::Problem>& problems, bool valid) {
    Json list = Json::array();
    for (const auto& problem : problems) {
        const bool error = problem.severity == model::Problem::Severity::kError;
        list.push_back({{"severity", error ? "error" : "warning"},
                        {"file", problem.where.file},
                        {"line", problem.where.line},
                        {"object", problem.object},
                        {"message", problem.message},
                        {"advice", problem.advice}});
    }
    return {{"valid", valid}, {"problems", list}};
}

int validate(const ValidateCommand& command, Session& session) {
    model::NodeSettings settings;
    settings.pod_networks = command.pod_networks;
    const auto problems = session.world().validate(command.paths, settings);
    const bool valid = std::ranges::none_of(problems, [](const model::Problem& problem) {
        return problem.severity == model::Problem::Severity::kError;
    });
    session.print(problems_json(problems, valid), render_problems(problems, session.style()));
    return session.end(valid ? kExitFine : kExitNo);
}

int version(Session& session) {
    const auto target = session.target();
    const auto answer = target ? ask(*target, {{"command", "status"}}, std::chrono::seconds(2))
                               : Answer(std::unexpected(target.error()));
    Json both{{"dfctl", DF_VERSION}, {"agent", nullptr}};
    std::string text = "dfctl " DF_VERSION "\n";
    if (answer) {
        both["agent"] = {{"version", text_at(*answer, "version")},
                         {"instance", text_at(*answer, "instance")}};
        text += fmt::format("directfaas-agent {} (instance {})\n", text_at(*answer, "version"),
                            text_at(*answer, "instance"));
    }
    session.print(both, text);
    return session.end(kExitFine);
}

/// Overloads by command, as std::visit wants them.
struct Perform {
    Session& session;

    int operator()(const StatusCommand&) { return status(session); }
    int operator()(const CheckCommand&) { return check(session); }
    int operator()(const RulesCommand& command) { return rules(command, session); }
    int operator()(const EdgesCommand&) { return edges(session); }
    int operator()(const FunctionsCommand&) { return functions(session); }
    int operator()(const TopCommand& command) { return top(command, session); }
    int operator()(const GraphCommand& command) { return graph(command, session); }
    int operator()(const ExplainCommand& command) { return explain(command, session); }
    int operator()(const ObserveCommand& command) { return observe(command, session); }
    int operator()(const AttachCommand& command) { return attach(command, session); }
    int operator()(const DetachCommand& command) {
        return command.pod.empty() ? detach_all(command.timeout, session)
                                   : detach_pod(command.pod, session);
    }
    int operator()(const ValidateCommand& command) { return validate(command, session); }
    int operator()(const ImportCommand& command) { return import_stack(command, session); }
    int operator()(const SysdumpCommand& command) { return sysdump(command, session); }
    int operator()(const VersionCommand&) { return version(session); }
    int operator()(const CompletionCommand& command) {
        session.world().out.write(completion_script(command.shell));
        return session.end(kExitFine);
    }
};

}  // namespace

int run(const Options& options, World& world) {
    Session session(options, world);
    const bool about_files = std::holds_alternative<ValidateCommand>(options.command) ||
                             std::holds_alternative<ImportCommand>(options.command);
    if (options.cluster.on && !about_files) {
        return run_on_cluster(session);
    }
    return std::visit(Perform{session}, options.command);
}

}  // namespace directfaas::cli
