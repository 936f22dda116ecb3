// SPDX-License-Identifier: Apache-2.0
// `status`: is the agent well, what does it serve.
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "agent/control/served.h"
#include "agent/control/words.h"

namespace directfaas::control {
namespace {

Json problem_json(const model::Problem& problem) {
    const bool error = problem.severity == model::Problem::Severity::kError;
    return {{"severity", error ? "error" : "warning"},
            {"file", problem.where.file},
            {"line", problem.where.line},
            {"object", problem.object},
            {"message", problem.message},
            {"advice", problem.advice}};
}

Json function_json(const model::Identity& identity, const model::IdentityRule& rule,
                   const Served& served, const backend::Counters& counters, std::size_t held) {
    const auto ready = served.ready();
    const auto counted = counters.functions.find(identity);
    return {{"name", identity.name.text()},
            {"vips", served.vips},
            {"ready", ready},
            {"draining", served.instances.size() - ready},
            {"enforcement", enforcement_word(rule.enforcement)},
            {"open", served.open(counters)},
            {"opened", counted == counters.functions.end() ? 0 : counted->second.opened},
            {"held_now", held}};
}

Json functions_json(const model::RuleSet& rules, const backend::Counters& counters,
                    const Facts& facts) {
    auto functions = served_by_function(rules);
    Json list = Json::array();
    for (const auto& [identity, rule] : rules.identities) {
        if (identity.kind == model::IdentityKind::kFunction) {
            const auto held = facts.held_now.find(identity);
            list.push_back(function_json(identity, rule, functions[identity], counters,
                                         held == facts.held_now.end() ? 0 : held->second));
        }
    }
    return list;
}

Json fast_path_json(const AgentAccess& agent, const backend::FastPathFigures& figures,
                    const std::string& off) {
    Json obstacles = Json::array();
    for (const auto& [ifindex, why] : figures.obstacles) {
        obstacles.push_back({{"interface", agent.interface_name(ifindex)}, {"why", why}});
    }
    return {{"off_because", off},
            {"interfaces", figures.interfaces},
            {"open", figures.open},
            {"obstacles", obstacles}};
}

Json attachments_json(const AgentAccess& agent) {
    Json list = Json::array();
    for (const auto& [pod, attachment] : agent.model().rules().attachments) {
        list.push_back({{"pod", pod.text()},
                        {"identity", attachment.identity.text()},
                        {"interface", agent.interface_name(attachment.ifindex)},
                        {"ifindex", attachment.ifindex},
                        {"adopted", attachment.adopted}});
    }
    return list;
}

template <typename Items, typename Convert>
Json list_of(const Items& items, Convert convert) {
    Json list = Json::array();
    for (const auto& item : items) {
        list.push_back(convert(item));
    }
    return list;
}

Json uplink_json(const backend::UplinkStanding& uplink) {
    return {{"device", uplink.device}, {"problem", uplink.problem}};
}

}  // namespace

Answer answer_status(AgentAccess& agent) {
    const auto facts = agent.facts();
    auto not_ready = facts.not_ready;
    std::ranges::copy(facts.bypasses, std::back_inserter(not_ready));
    const auto counters = agent.backend().counters();
    if (!counters) {
        return std::unexpected(Refusal{"failed", counters.error().text(), ""});
    }
    Json answer{{"ok", true},
                {"version", facts.version},
                {"instance", facts.instance},
                {"backend", facts.backend},
                {"node", facts.node},
                {"metrics_address", facts.metrics_address},
                {"pid", getpid()},
                {"uptime_seconds", facts.uptime.count()},
                {"ready", not_ready.empty()},
                {"not_ready_because", fmt::format("{}", fmt::join(not_ready, "; "))}};
    answer["sources"] = list_of(facts.sources, [](const auto& source) -> Json {
        return {{"name", source.name}, {"objects", source.objects}, {"problems", source.problems}};
    });
    answer["functions"] = functions_json(agent.model().rules(), *counters, facts);
    answer["attachments"] = attachments_json(agent);
    if (counters->fast_path) {
        answer["fast_path"] = fast_path_json(agent, *counters->fast_path, facts.no_fast_path);
    }
    if (!counters->uplinks.empty()) {
        answer["uplinks"] = list_of(counters->uplinks, uplink_json);
    }
    answer["unattached"] = list_of(facts.unattached, [](const auto& pod) -> Json {
        return {{"pod", pod.pod}, {"why", pod.why}};
    });
    answer["problems"] = list_of(facts.problems, problem_json);
    answer["tables"] = list_of(counters->tables, [](const auto& table) -> Json {
        return {{"name", table.name}, {"entries", table.entries}, {"capacity", table.capacity}};
    });
    if (facts.since_last_sync) {
        answer["last_sync_seconds"] = facts.since_last_sync->count();
    }
    return answer;
}

Json refusal_json(const Refusal& refusal) {
    return {{"ok", false},
            {"error", refusal.error},
            {"advice", refusal.advice},
            {"code", refusal.code}};
}

}  // namespace directfaas::control
