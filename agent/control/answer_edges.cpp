// SPDX-License-Identifier: Apache-2.0
// `edges` and `explain`: who may call whom, and what came of it.
#include "agent/control/words.h"
#include "lib/util/histogram.h"

namespace directfaas::control {
namespace {

Json quantile_json(const std::vector<std::uint64_t>& buckets, double share) {
    const auto value = util::log2_quantile(buckets, share);
    return value ? Json(*value) : Json(nullptr);
}

/// A count, or null where the backend does not count it.
Json counted_json(bool available, std::uint64_t count) {
    return available ? Json(count) : Json(nullptr);
}

Json edge_json(const model::AllowKey& edge, const backend::EdgeCounters& counters, bool closings) {
    return {{"from", edge.from.text()},
            {"to", edge.to.text()},
            {"opened", counters.opened},
            {"open", counters.open},
            {"closed_by_caller", counted_json(closings, counters.closed_by_caller)},
            {"closed_by_callee", counted_json(closings, counters.closed_by_callee)},
            {"reset", counted_json(closings, counters.reset)},
            {"bytes_request", counters.bytes_request},
            {"bytes_reply", counters.bytes_reply},
            {"handshake_p50_us", quantile_json(counters.handshake_log2_us, 0.5)},
            {"handshake_p99_us", quantile_json(counters.handshake_log2_us, 0.99)},
            {"handshake_log2_us", counters.handshake_log2_us}};
}

Json endpoints_json(const model::RouteRule& route, const backend::Counters& counters) {
    Json list = Json::array();
    for (const auto& endpoint : route.endpoints) {
        const auto open = counters.open_by_instance.find(endpoint.address);
        list.push_back({{"address", util::endpoint_text(endpoint.address, endpoint.port)},
                        {"state", state_word(endpoint.state)},
                        {"open", open == counters.open_by_instance.end() ? 0 : open->second}});
    }
    return list;
}

Json routes_json(const model::RuleSet& rules, const std::vector<model::RouteKey>& keys,
                 const backend::Counters& counters) {
    Json list = Json::array();
    for (const auto& key : keys) {
        if (const auto route = rules.routes.find(key); route != rules.routes.end()) {
            list.push_back({{"vip", key.text()},
                            {"when_empty", when_empty_word(route->second.when_empty)},
                            {"affinity_s", route->second.affinity.count()},
                            {"endpoints", endpoints_json(route->second, counters)}});
        }
    }
    return list;
}

}  // namespace

Answer answer_edges(AgentAccess& agent) {
    const auto counters = agent.backend().counters();
    if (!counters) {
        return std::unexpected(Refusal{"failed", counters.error().text(), ""});
    }
    const auto sources = agent.model().allow_sources();
    Json edges = Json::array();
    for (const auto& [edge, counted] : counters->edges) {
        auto item = edge_json(edge, counted, counters->closings);
        if (const auto declared = sources.find(edge); declared != sources.end()) {
            item["declared"] = place_json(declared->second);
        }
        edges.push_back(std::move(item));
    }
    Json denied = Json::array();
    for (const auto& pair : counters->denied) {
        denied.push_back({{"from", pair.from.text()},
                          {"to", pair.to.text()},
                          {"reason", backend::reason_name(pair.reason)},
                          {"calls", pair.calls}});
    }
    return Json{{"ok", true}, {"edges", std::move(edges)}, {"denied", std::move(denied)}};
}

Answer answer_explain(AgentAccess& agent, const std::string& from, const std::string& to,
                      std::optional<std::uint16_t> port) {
    const auto told = agent.model().explain(from, to, port);
    if (!told) {
        return std::unexpected(Refusal{"not_found", told.error().message, told.error().advice});
    }
    const auto counters = agent.backend().counters();
    if (!counters) {
        return std::unexpected(Refusal{"failed", counters.error().text(), ""});
    }
    Json answer{{"ok", true},
                {"allowed", told->allowed},
                {"from", told->from.text()},
                {"to", told->to.text()},
                {"enforcement", enforcement_word(told->enforcement)},
                {"reason", told->reason},
                {"advice", told->advice}};
    if (told->because) {
        answer["because"] = place_json(*told->because);
    }
    answer["routes"] = routes_json(agent.model().rules(), told->routes, *counters);
    answer["installed"] = agent.backend().installed({told->from, told->to}, told->routes);
    return answer;
}

}  // namespace directfaas::control
