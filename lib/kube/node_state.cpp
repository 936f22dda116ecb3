// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/node_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace directfaas::kube {
namespace {

using Json = nlohmann::json;

constexpr const char* kApiVersion = "directfaas.io/v1alpha1";
constexpr std::size_t kMaxObject = 512;  // bytes, as the CRD has it
constexpr std::size_t kMaxMessage = 1024;

std::string cut(std::string text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) {
        --limit;
    }
    text.resize(limit);
    return text;
}

template <typename T>
T member(const Json& object, const char* name, T otherwise) {
    const auto found = object.find(name);
    if (found == object.end()) {
        return otherwise;
    }
    if constexpr (std::is_same_v<T, bool>) {
        return found->is_boolean() ? found->get<bool>() : otherwise;
    } else if constexpr (std::is_same_v<T, std::string>) {
        return found->is_string() ? found->get<std::string>() : otherwise;
    } else {
        return found->is_number_integer() ? found->get<T>() : otherwise;
    }
}

Json list_member(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? *found : Json::array();
}

}  // namespace

Resource node_states() { return {.path = "/apis/directfaas.io/v1alpha1/directfaasnodes"}; }

std::string node_state_text(const std::string& node, const NodeState& state,
                            const std::string& observed_at) {
    auto problems = Json::array();
    for (const auto& problem : state.problems) {
        if (problems.size() == NodeState::kMaxProblems) {
            break;
        }
        problems.push_back({{"object", cut(problem.object, kMaxObject)},
                            {"severity", problem.error ? "Error" : "Warning"},
                            {"message", cut(problem.message, kMaxMessage)}});
    }
    auto chains = Json::array();
    for (const auto& chain : state.chains) {
        if (chains.size() == NodeState::kMaxChains) {
            break;
        }
        chains.push_back({{"namespace", chain.ns},
                          {"name", chain.name},
                          {"uid", chain.uid},
                          {"generation", chain.generation}});
    }
    const Json object{{"apiVersion", kApiVersion},
                      {"kind", "DirectFaaSNode"},
                      {"metadata", {{"name", node}}},
                      {"state",
                       {{"agentVersion", state.version},
                        {"backend", state.backend},
                        {"observedAt", observed_at},
                        {"ready", state.ready},
                        {"attachedPods", state.attached_pods},
                        {"unattachedPods", state.unattached_pods},
                        {"problemCount", state.problem_count},
                        {"problems", std::move(problems)},
                        {"chains", std::move(chains)}}}};
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

NodeStateObject read_node_state(const RawObject& raw) {
    NodeStateObject result{.node = raw.key.name, .observed_at = "", .state = {}};
    const auto object = Json::parse(raw.text, nullptr, false);
    const auto found = object.is_object() ? object.find("state") : object.end();
    if (!object.is_object() || found == object.end() || !found->is_object()) {
        return result;
    }
    const auto& text = *found;
    auto& state = result.state;
    result.observed_at = member(text, "observedAt", std::string());
    state.version = member(text, "agentVersion", std::string());
    state.backend = member(text, "backend", std::string());
    state.ready = member(text, "ready", false);
    state.attached_pods = member(text, "attachedPods", std::size_t{0});
    state.unattached_pods = member(text, "unattachedPods", std::size_t{0});
    state.problem_count = member(text, "problemCount", std::size_t{0});
    for (const auto& problem : list_member(text, "problems")) {
        if (problem.is_object()) {
            state.problems.push_back({member(problem, "object", std::string()),
                                      member(problem, "severity", std::string()) != "Warning",
                                      member(problem, "message", std::string())});
        }
    }
    for (const auto& chain : list_member(text, "chains")) {
        if (chain.is_object()) {
            state.chains.push_back({member(chain, "namespace", std::string()),
                                    member(chain, "name", std::string()),
                                    member(chain, "uid", std::string()),
                                    member(chain, "generation", std::int64_t{0})});
        }
    }
    return result;
}

}  // namespace directfaas::kube
