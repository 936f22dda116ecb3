// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

std::string label(const AgentPod& agent) {
    return agent.pod.empty() ? agent.node : fmt::format("{} ({})", agent.node, agent.pod);
}

/// A command whose answers are added up and rendered as one host's are.
int merged(Session& session, const std::vector<std::string>& words,
           Json (*merge)(const std::vector<FromNode>&),
           const std::function<std::string(const Json&)>& render) {
    auto asked = ask_cluster(session, words);
    if (!asked) {
        return session.fail(asked.error());
    }
    const auto answered = asked->answered();
    if (!answered.empty() || session.options().format == Format::kJson) {
        const auto answer = asked->with_nodes(merge(answered));
        session.print(answer, answered.empty() ? "" : render(answer));
    }
    return asked->end(kExitFine);
}

std::string behind(const Json& answer, const Style& style) {
    std::string text;
    for (const auto& function : list_at(answer, "functions")) {
        for (const auto& node : texts_at(function, "differs_on")) {
            text += fmt::format("{} {} knows other vIPs, instances or settings of it\n",
                                style.paint(Tone::kWarn, text_at(function, "name") + ":"), node);
        }
    }
    return text.empty() ? text : "\n" + text;
}

int rules(const RulesCommand& command, Session& session) {
    std::vector<std::string> words{"rules"};
    if (command.installed) {
        words.emplace_back("--installed");
    }
    auto asked = ask_cluster(session, words);
    if (!asked) {
        return session.fail(asked.error());
    }
    std::string text;
    for (const auto& from : asked->answered()) {
        text += fmt::format("{}{}\n", text.empty() ? "" : "\n",
                            session.style().paint(Tone::kStrong, "# node " + from.node)) +
                render_rules(from.answer, command.installed, session.style());
    }
    session.print(asked->by_node(), text);
    return asked->end(kExitFine);
}

int version(Session& session) {
    auto asked = ask_cluster(session, {"version"});
    if (!asked) {
        session.print({{"plugin", DF_VERSION}, {"nodes", Json::array()}},
                      fmt::format("{} {}\n", session.world().program, DF_VERSION));
        return session.fail(asked.error());
    }
    Table table({{"NODE"}, {"AGENT"}, {"DFCTL"}});
    for (const auto& from : asked->answered()) {
        table.add({from.node, text_at(object_at(from.answer, "agent"), "version"),
                   text_at(from.answer, "dfctl")});
    }
    auto answer = asked->by_node();
    answer["plugin"] = DF_VERSION;
    session.print(answer, fmt::format("{} {}\n{}", session.world().program, DF_VERSION,
                                      table.text(session.style())));
    return asked->end(kExitFine);
}

struct PerformOnCluster {
    Session& session;

    int operator()(const StatusCommand&) { return cluster_status(session); }
    int operator()(const CheckCommand& command) { return cluster_check(command, session); }
    int operator()(const RulesCommand& command) { return rules(command, session); }
    int operator()(const EdgesCommand&) {
        return merged(session, {"edges"}, merged_edges,
                      [this](const Json& answer) { return render_edges(answer, session.style()); });
    }
    int operator()(const FunctionsCommand&) {
        return merged(session, {"functions"}, merged_functions, [this](const Json& answer) {
            return render_functions(answer, session.style()) + behind(answer, session.style());
        });
    }
    int operator()(const GraphCommand& command) {
        return merged(session, {"edges"}, merged_edges, [&command](const Json& answer) {
            return render_graph(answer, command.language);
        });
    }
    int operator()(const TopCommand& command) { return cluster_top(command, session); }
    int operator()(const ExplainCommand& command) { return cluster_explain(command, session); }
    int operator()(const ObserveCommand& command) { return cluster_observe(command, session); }
    int operator()(const SysdumpCommand& command) { return cluster_sysdump(command, session); }
    int operator()(const VersionCommand&) { return version(session); }
    /// Commands that are about files, or that the plugin's command line does not have.
    template <typename Other>
    int operator()(const Other&) {
        return session.fail({kExitUsage, "this command acts on one node only",
                             "run dfctl in that node's agent: kubectl exec", "", false});
    }
};

}  // namespace

std::vector<FromNode> Asked::answered() const {
    std::vector<FromNode> found;
    for (const auto& [agent, answer] : answers_) {
        if (answer) {
            found.push_back({agent.node, *answer});
        }
    }
    return found;
}

Json Asked::failed() const {
    Json list = Json::array();
    for (const auto& [agent, answer] : answers_) {
        if (answer) {
            continue;
        }
        Json item{{"node", agent.node}, {"pod", agent.pod}, {"error", answer.error().message}};
        if (!answer.error().advice.empty()) {
            item["advice"] = answer.error().advice;
        }
        if (!answer.error().code.empty()) {
            item["code"] = answer.error().code;
        }
        list.push_back(std::move(item));
    }
    return list;
}

Json Asked::by_node() const {
    Json nodes = Json::array();
    for (const auto& [agent, answer] : answers_) {
        if (answer) {
            Json item{{"node", agent.node}, {"pod", agent.pod}};
            for (const auto& [key, value] : answer->items()) {
                if (!item.contains(key)) {
                    item[key] = value;
                }
            }
            nodes.push_back(std::move(item));
        }
    }
    return {{"nodes", std::move(nodes)}, {"failed", failed()}};
}

Json Asked::with_nodes(Json merged) const {
    merged["nodes"] = Json::array();
    for (const auto& from : answered()) {
        merged["nodes"].push_back(from.node);
    }
    merged["failed"] = failed();
    return merged;
}

void Asked::tell_failures() {
    // Nodes that fail alike are told together: a missing right is missing on each.
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_message;
    for (const auto& [agent, answer] : answers_) {
        if (!answer) {
            // Its own pod's name in a message would make each of them another.
            auto message = answer.error().message;
            if (const auto at = message.find(agent.pod);
                !agent.pod.empty() && at < message.size()) {
                message.replace(at, agent.pod.size(), "...");
            }
            by_message[{message, answer.error().advice}].push_back(label(agent));
        }
    }
    for (const auto& [message, nodes] : by_message) {
        session_.note(fmt::format("no answer from {}: {}{}", fmt::join(nodes, ", "), message.first,
                                  message.second.empty() ? "" : "\n  " + message.second));
    }
}

int Asked::end(ExitCode exit) {
    tell_failures();
    const auto silent = std::ranges::count_if(
        answers_, [](const NodeAnswer& answer) { return !answer.answer.has_value(); });
    if (silent == 0) {
        return session_.end(exit);
    }
    const bool all = static_cast<std::size_t>(silent) == answers_.size();
    return session_.end(all ? kExitNoAgent : kExitPartly);
}

std::expected<Asked, Failure> ask_cluster(Session& session, const std::vector<std::string>& words) {
    const auto& options = session.options().cluster;
    const auto agents = find_agents(options);
    if (!agents) {
        return std::unexpected(agents.error());
    }
    return Asked(session, ask_agents(options, *agents, words));
}

int run_on_cluster(Session& session) {
    return std::visit(PerformOnCluster{session}, session.options().command);
}

}  // namespace directfaas::cli
