// SPDX-License-Identifier: Apache-2.0
// `functions`: what each function serves and what came of the calls to it.
#include <algorithm>

#include "agent/control/served.h"
#include "agent/control/words.h"

namespace directfaas::control {
namespace {

Json instances_json(const Served& served, const backend::Counters& counters) {
    Json list = Json::array();
    for (const auto& [address, ready] : served.instances) {
        list.push_back({{"address", address.text()},
                        {"state", state_word(ready ? model::EndpointState::kReady
                                                   : model::EndpointState::kDraining)},
                        {"open", open_at(address, counters)}});
    }
    return list;
}

Json listed_function(const model::Identity& identity, const model::IdentityRule& rule,
                     const Served& served, const backend::Counters& counters, std::size_t held) {
    const auto found = counters.functions.find(identity);
    const auto counted =
        found == counters.functions.end() ? backend::FunctionCounters{} : found->second;
    const auto ready = served.ready();
    return {{"name", identity.name.text()},
            {"vips", served.vips},
            {"enforcement", enforcement_word(rule.enforcement)},
            {"ingress", rule.ingress},
            {"ready", ready},
            {"draining", served.instances.size() - ready},
            {"open", served.open(counters)},
            {"opened", counted.opened},
            {"denied", counted.denied},
            {"audited", counted.audited},
            {"no_instance", counted.zero_syn},
            {"refused", counted.no_endpoint},
            {"held_packets", counted.held},
            {"held_now", held},
            {"instances", instances_json(served, counters)}};
}

}  // namespace

std::uint64_t open_at(const util::IpAddress& instance, const backend::Counters& counters) {
    const auto found = counters.open_by_instance.find(instance);
    return found == counters.open_by_instance.end() ? 0 : found->second;
}

std::uint64_t Served::ready() const {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(instances, [](const auto& instance) { return instance.second; }));
}

std::uint64_t Served::open(const backend::Counters& counters) const {
    std::uint64_t open = 0;
    for (const auto& [address, is_ready] : instances) {
        open += open_at(address, counters);
    }
    return open;
}

std::map<model::Identity, Served> served_by_function(const model::RuleSet& rules) {
    std::map<model::Identity, Served> functions;
    for (const auto& [key, route] : rules.routes) {
        auto& served = functions[route.function];
        served.vips.push_back(key.text());
        for (const auto& endpoint : route.endpoints) {
            auto& ready = served.instances[endpoint.address];
            ready = ready || endpoint.state == model::EndpointState::kReady;
        }
    }
    return functions;
}

Answer answer_functions(AgentAccess& agent) {
    const auto facts = agent.facts();
    const auto counters = agent.backend().counters();
    if (!counters) {
        return std::unexpected(Refusal{"failed", counters.error().text(), ""});
    }
    auto functions = served_by_function(agent.model().rules());
    Json list = Json::array();
    for (const auto& [identity, rule] : agent.model().rules().identities) {
        if (identity.kind == model::IdentityKind::kFunction) {
            const auto held = facts.held_now.find(identity);
            list.push_back(listed_function(identity, rule, functions[identity], *counters,
                                           held == facts.held_now.end() ? 0 : held->second));
        }
    }
    return Json{{"ok", true}, {"functions", std::move(list)}};
}

}  // namespace directfaas::control
