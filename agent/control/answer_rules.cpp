// SPDX-License-Identifier: Apache-2.0
// `rules`: the flow table, as wanted or as installed.
#include <algorithm>

#include "agent/control/words.h"

namespace directfaas::control {
namespace {

Json ports_json(const std::set<model::PortProtocol>& ports) {
    Json list = Json::array();
    for (const auto& port : ports) {
        list.push_back(port_text(port));
    }
    return list;
}

Json identities_json(const model::RuleSet& rules) {
    Json list = Json::array();
    for (const auto& [identity, rule] : rules.identities) {
        const bool entry = identity.kind == model::IdentityKind::kEntry;
        list.push_back({{"identity", identity.text()},
                        {"kind", entry ? "entry" : "function"},
                        {"enforcement", enforcement_word(rule.enforcement)},
                        {"ingress", rule.ingress},
                        {"served", ports_json(rule.served)},
                        {"open", ports_json(rule.open)}});
    }
    return list;
}

Json attachments_json(const model::RuleSet& rules) {
    Json list = Json::array();
    for (const auto& [pod, attachment] : rules.attachments) {
        Json addresses = Json::array();
        for (const auto& address : attachment.addresses) {
            addresses.push_back(address.text());
        }
        list.push_back({{"pod", pod.text()},
                        {"identity", attachment.identity.text()},
                        {"ifindex", attachment.ifindex},
                        {"addresses", std::move(addresses)},
                        {"adopted", attachment.adopted},
                        {"fast_path", attachment.fast_path}});
    }
    return list;
}

Json routes_json(const model::RuleSet& rules) {
    Json list = Json::array();
    for (const auto& [key, route] : rules.routes) {
        Json endpoints = Json::array();
        for (const auto& endpoint : route.endpoints) {
            endpoints.push_back({{"address", util::endpoint_text(endpoint.address, endpoint.port)},
                                 {"state", state_word(endpoint.state)},
                                 {"ifindex", endpoint.ifindex}});
        }
        list.push_back({{"vip", key.text()},
                        {"function", route.function.text()},
                        {"when_empty", when_empty_word(route.when_empty)},
                        {"affinity_s", route.affinity.count()},
                        {"endpoints", std::move(endpoints)}});
    }
    return list;
}

Json allowed_json(const model::RuleSet& rules,
                  const std::map<model::AllowKey, model::SourceLine>& sources) {
    Json list = Json::array();
    for (const auto& edge : rules.allowed) {
        Json item{{"from", edge.from.text()}, {"to", edge.to.text()}};
        if (const auto declared = sources.find(edge); declared != sources.end()) {
            item["declared"] = place_json(declared->second);
        }
        list.push_back(std::move(item));
    }
    return list;
}

Json rules_json(const model::RuleSet& rules,
                const std::map<model::AllowKey, model::SourceLine>& sources) {
    Json addresses = Json::array();
    for (const auto& [address, identity] : rules.addresses) {
        addresses.push_back({{"address", address.text()}, {"identity", identity.text()}});
    }
    return {{"ok", true},
            {"identities", identities_json(rules)},
            {"attachments", attachments_json(rules)},
            {"addresses", std::move(addresses)},
            {"routes", routes_json(rules)},
            {"allowed", allowed_json(rules, sources)}};
}

}  // namespace

Answer answer_rules(AgentAccess& agent, bool installed) {
    if (!installed) {
        return rules_json(agent.model().rules(), agent.model().allow_sources());
    }
    const auto rules = agent.backend().dump();
    if (!rules) {
        return std::unexpected(Refusal{"failed", rules.error().text(), ""});
    }
    return rules_json(*rules, agent.model().allow_sources());
}

}  // namespace directfaas::control
