// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas status`: a line a node, and every problem once.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "cli/cluster/cluster.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

using Side = Column::Side;

std::uint64_t total(const Json& status, const char* field) {
    std::uint64_t sum = 0;
    for (const auto& function : list_at(status, "functions")) {
        sum += count_at(function, field);
    }
    return sum;
}

void add_node(Table& table, const AgentPod& agent, const Json& status) {
    const bool ready = flag_at(status, "ready");
    const auto unattached = list_at(status, "unattached").size();
    const auto problems = list_at(status, "problems").size();
    const auto held = total(status, "held_now");
    table.add({agent.node,
               ready ? Cell("ready", Tone::kGood) : Cell("not ready", Tone::kBad),
               text_at(status, "version"),
               text_at(status, "backend"),
               duration_text(number_at(status, "uptime_seconds").value_or(0)),
               count_text(list_at(status, "functions").size()),
               count_text(list_at(status, "attachments").size()),
               {count_text(unattached), unattached > 0 ? Tone::kWarn : Tone::kPlain},
               count_text(total(status, "open")),
               count_text(total(status, "opened")),
               {count_text(held), held > 0 ? Tone::kWarn : Tone::kPlain},
               {count_text(problems), problems > 0 ? Tone::kWarn : Tone::kPlain},
               ready ? "" : text_at(status, "not_ready_because")});
}

void add_silent(Table& table, const AgentPod& agent, const Failure& failure) {
    std::vector<Cell> cells{agent.node, {"no answer", Tone::kBad}};
    cells.resize(12, Cell(""));
    cells.emplace_back(failure.message);
    table.add(std::move(cells));
}

/// Pods without the switch, and problems, with the nodes that tell of them.
std::string remarks(const Asked& asked, const Style& style) {
    std::string text;
    std::map<std::string, std::vector<std::string>> problems;
    for (const auto& [node, status] : asked.answered()) {
        for (const auto& pod : list_at(status, "unattached")) {
            text += fmt::format("{} pod {} on {}: {}\n", style.paint(Tone::kBad, "not attached:"),
                                text_at(pod, "pod"), node, text_at(pod, "why"));
        }
        for (const auto& problem : list_at(status, "problems")) {
            const bool error = text_at(problem, "severity") != "warning";
            const auto advice = text_at(problem, "advice");
            auto line = fmt::format(
                "{} {}: {}{}",
                style.paint(error ? Tone::kBad : Tone::kWarn, error ? "error:" : "warning:"),
                text_at(problem, "object"), text_at(problem, "message"),
                advice.empty() ? "" : "\n  mend  " + advice);
            problems[std::move(line)].push_back(node);
        }
    }
    for (const auto& [line, nodes] : problems) {
        const auto end = line.find('\n');
        text += fmt::format("{} (on {}){}\n", line.substr(0, end), fmt::join(nodes, ", "),
                            end == std::string::npos ? "" : line.substr(end));
    }
    return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string render_cluster_status(const Asked& asked, const Style& style) {
    Table table({{"NODE"},
                 {"AGENT"},
                 {"VERSION"},
                 {"BACKEND"},
                 {"UP", Side::kRight},
                 {"FUNCTIONS", Side::kRight},
                 {"ATTACHED", Side::kRight},
                 {"UNATTACHED", Side::kRight},
                 {"OPEN", Side::kRight},
                 {"CALLS", Side::kRight},
                 {"HELD NOW", Side::kRight},
                 {"PROBLEMS", Side::kRight},
                 {"NOTE"}});
    for (const auto& [agent, answer] : asked.all()) {
        if (answer) {
            add_node(table, agent, *answer);
        } else {
            add_silent(table, agent, answer.error());
        }
    }
    return table.text(style) + remarks(asked, style);
}

int cluster_status(Session& session) {
    auto asked = ask_cluster(session, {"status"});
    if (!asked) {
        return session.fail(asked.error());
    }
    const auto answered = asked->answered();
    auto answer = asked->by_node();
    std::string text = render_cluster_status(*asked, session.style());
    // Nodes whose pods nobody polices: told, but no failure, as the chart may leave nodes out.
    const auto& options = session.options().cluster;
    if (options.nodes.empty()) {
        const auto nodes = read_kubectl(options, {"get", "nodes", "-o", "json"});
        std::set<std::string> without;
        for (const auto& node : nodes ? list_at(*nodes, "items") : Json::array()) {
            without.insert(text_at(object_at(node, "metadata"), "name"));
        }
        for (const auto& [agent, ignored] : asked->all()) {
            without.erase(agent.node);
        }
        answer["without_agent"] = nodes ? Json(without) : Json(nullptr);
        if (!without.empty()) {
            text +=
                fmt::format("\n{} {}\n", session.style().paint(Tone::kWarn, "without an agent:"),
                            fmt::join(without, ", "));
        } else if (!nodes) {
            session.note("nodes without an agent are not told: " + nodes.error().message);
        }
    }
    session.print(answer, text);
    return asked->end(
        std::ranges::all_of(answered,
                            [](const FromNode& from) { return flag_at(from.answer, "ready"); })
            ? kExitFine
            : kExitNo);
}

}  // namespace directfaas::cli
