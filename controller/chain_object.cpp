// SPDX-License-Identifier: Apache-2.0
#include "controller/chain_object.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/kube/client.h"

namespace directfaas::controller {
namespace {

using Json = nlohmann::json;

std::string text(const Json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() && found->is_string()
               ? found->get<std::string>()
               : "";
}

std::int64_t number(const Json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() && found->is_number_integer()
               ? found->get<std::int64_t>()
               : 0;
}

Json part(const Json& object, const char* name) {
    return object.is_object() && object.contains(name) ? object.at(name) : Json();
}

ChainStatus read_status(const Json& from) {
    ChainStatus status;
    status.observed_generation = number(from, "observedGeneration");
    const auto accepted = part(from, "accepted");
    if (accepted.is_object()) {
        status.accepted =
            AcceptedState{number(accepted, "generation"), part(accepted, "spec").dump()};
    }
    status.function_count = number(from, "functionCount");
    status.edge_count = number(from, "edgeCount");
    status.nodes = text(from, "nodes");
    for (const auto& function : part(from, "functions")) {
        status.functions.emplace_back(text(function, "name"), text(function, "vip"));
    }
    for (const auto& condition : part(from, "conditions")) {
        status.conditions.push_back({text(condition, "type"), text(condition, "status"),
                                     number(condition, "observedGeneration"),
                                     text(condition, "lastTransitionTime"),
                                     text(condition, "reason"), text(condition, "message")});
    }
    return status;
}

}  // namespace

const Condition* ChainStatus::condition(const std::string& type) const {
    const auto found = std::ranges::find(conditions, type, &Condition::type);
    return found == conditions.end() ? nullptr : &*found;
}

ChainObject read_chain(const kube::RawObject& raw) {
    ChainObject chain;
    chain.model = kube::to_model(kube::Kind::kFunctionChain, raw);
    const auto object = Json::parse(raw.text, nullptr, false);
    chain.spec = part(object, "spec").dump();
    chain.status = read_status(part(object, "status"));
    return chain;
}

std::string status_text(const kube::ObjectKey& key, const std::string& uid,
                        const ChainStatus& status) {
    auto conditions = Json::array();
    for (const auto& condition : status.conditions) {
        conditions.push_back({{"type", condition.type},
                              {"status", condition.status},
                              {"observedGeneration", condition.observed_generation},
                              {"lastTransitionTime", condition.last_transition},
                              {"reason", condition.reason},
                              {"message", condition.message}});
    }
    auto functions = Json::array();
    for (const auto& [name, vip] : status.functions) {
        Json function{{"name", name}};
        if (!vip.empty()) {
            function["vip"] = vip;
        }
        functions.push_back(std::move(function));
    }
    Json body{{"observedGeneration", status.observed_generation},
              {"functionCount", status.function_count},
              {"edgeCount", status.edge_count},
              {"nodes", status.nodes},
              {"functions", std::move(functions)},
              {"conditions", std::move(conditions)}};
    if (status.accepted) {
        body["accepted"] = {{"generation", status.accepted->generation},
                            {"spec", Json::parse(status.accepted->spec, nullptr, false)}};
    }
    // The uid keeps an earlier chain's status from one that has taken its name.
    const Json object{{"apiVersion", "directfaas.io/v1alpha1"},
                      {"kind", "FunctionChain"},
                      {"metadata", {{"namespace", key.ns}, {"name", key.name}, {"uid", uid}}},
                      {"status", std::move(body)}};
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string status_path(const kube::ObjectKey& key) {
    return kube::object_path(kube::resource_of(kube::Kind::kFunctionChain, key.ns), key.name,
                             "status");
}

}  // namespace directfaas::controller
