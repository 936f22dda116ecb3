// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas explain`: asks the nodes where the caller runs, as they judge its calls.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/cluster/cluster.h"
#include "cli/render/render.h"

namespace directfaas::cli {
namespace {

/// Whether "shop/a" or "shop/a (entry)" is what a user calls "a" or "shop/a".
bool is_called(const std::string& identity, const std::string& name) {
    const auto plain = identity.substr(0, identity.find(' '));
    return plain == name || plain.substr(plain.find('/') + 1) == name;
}

bool has_attached(const Json& status, const std::string& name) {
    return std::ranges::any_of(list_at(status, "attachments"), [&name](const Json& pod) {
        return is_called(text_at(pod, "identity"), name);
    });
}

/// Who judges the call: the caller's nodes; where it runs nowhere, the callee's; else any.
std::pair<std::vector<AgentPod>, std::string> judges(const Asked& statuses,
                                                     const ExplainCommand& command) {
    for (const auto& [name, where] :
         {std::pair(&command.from, "where the caller runs"),
          std::pair(&command.to, "where the called function runs: the caller runs nowhere")}) {
        std::vector<AgentPod> agents;
        for (const auto& [agent, answer] : statuses.all()) {
            if (answer && has_attached(*answer, *name)) {
                agents.push_back(agent);
            }
        }
        if (!agents.empty()) {
            return {agents, where};
        }
    }
    for (const auto& [agent, answer] : statuses.all()) {
        if (answer) {
            return {{agent}, "any node: neither of them runs anywhere"};
        }
    }
    return {};
}

std::vector<std::string> words_of(const ExplainCommand& command) {
    return {"explain", command.from,
            command.port ? fmt::format("{}:{}", command.to, *command.port) : command.to};
}

/// Answers that say the same of the call are told once; the entries of other nodes have other
/// numbers.
std::string render(const std::vector<FromNode>& answers, const std::string& where,
                   const Style& style) {
    std::string text;
    std::vector<bool> told(answers.size(), false);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (told[i]) {
            continue;
        }
        std::vector<std::string> nodes;
        for (std::size_t other = i; other < answers.size(); ++other) {
            const auto same = [&](const char* field) {
                return text_at(answers[i].answer, field) == text_at(answers[other].answer, field);
            };
            if (same("allowed") && same("reason") && same("enforcement")) {
                told[other] = true;
                nodes.push_back(answers[other].node);
            }
        }
        text += render_explain(answers[i].answer, style);
        text += fmt::format(
            "  {}       {}{} ({})\n", style.paint(Tone::kDim, "node"), fmt::join(nodes, ", "),
            nodes.size() > 1 ? "; routes and entries are those of " + nodes.front() : "", where);
    }
    return text;
}

}  // namespace

int cluster_explain(const ExplainCommand& command, Session& session) {
    const auto& options = session.options().cluster;
    auto statuses = ask_cluster(session, {"status"});
    if (!statuses) {
        return session.fail(statuses.error());
    }
    const auto [agents, where] = judges(*statuses, command);
    if (agents.empty()) {
        return statuses->end(kExitFine);
    }
    Asked asked(session, ask_agents(options, agents, words_of(command)));
    const auto answers = asked.answered();
    auto answer = asked.by_node();
    for (auto& item : statuses->failed()) {
        answer["failed"].push_back(std::move(item));
    }
    session.print(answer, render(answers, where, session.style()));
    const bool allowed = std::ranges::all_of(
        answers, [](const FromNode& from) { return flag_at(from.answer, "allowed"); });
    const int exit = asked.end(allowed ? kExitFine : kExitNo);
    // A node that was silent before may be one where the caller runs.
    const int before = statuses->end(kExitFine);
    return before != kExitFine && exit <= kExitNo ? before : exit;
}

}  // namespace directfaas::cli
