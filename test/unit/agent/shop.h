// SPDX-License-Identifier: Apache-2.0
// A small application as model objects: entry `gateway` → front → back.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/model/model.h"

namespace directfaas::agent_test {

inline util::IpAddress ip(const std::string& text) { return *util::IpAddress::parse(text); }
inline model::ObjectName shop(const std::string& name) { return {"shop", name}; }
inline model::Identity function(const std::string& name) {
    return {model::IdentityKind::kFunction, shop(name)};
}

inline model::FunctionChain chain(const std::vector<std::pair<std::string, std::string>>& edges) {
    model::FunctionChain chain;
    chain.name = shop("chain");
    for (const std::string name : {"front", "back"}) {
        model::ChainFunction function;
        function.name = name;
        function.service = name;
        function.ingress = name == "front";
        function.where = {"chain.yaml", name == "front" ? 7 : 9};
        chain.functions.push_back(function);
    }
    for (const auto& [from, to] : edges) {
        chain.edges.push_back({from, to, {"chain.yaml", 12}});
    }
    model::ChainEntry gateway;
    gateway.name = "gateway";
    gateway.selector = {{"app", "gateway"}};
    gateway.where = {"chain.yaml", 15};
    chain.entries.push_back(gateway);
    chain.where = {"chain.yaml", 1};
    return chain;
}

inline model::Service service(const std::string& name, const std::string& vip) {
    model::Service service;
    service.name = shop(name);
    service.cluster_ips = {ip(vip)};
    service.selector = {{"app", name}};
    service.ports = {{"http", 80, util::Protocol::kTcp}};
    service.where = {name + ".yaml", 1};
    return service;
}

inline model::EndpointSlice slice(const std::string& name, const std::vector<std::string>& ips) {
    model::EndpointSlice slice;
    slice.name = shop(name + "-abcde");
    slice.service = name;
    slice.ports = {{"http", 8080, util::Protocol::kTcp}};
    for (const auto& address : ips) {
        slice.endpoints.push_back({.address = ip(address)});
    }
    slice.where = {name + ".yaml", 20};
    return slice;
}

inline model::Pod pod(const std::string& name, const std::string& app, const std::string& address,
                      const std::string& interface_name = "") {
    model::Pod pod;
    pod.name = shop(name);
    pod.labels = {{"app", app}};
    pod.ips = {ip(address)};
    pod.interface_name = interface_name;
    pod.where = {name + ".yaml", 1};
    return pod;
}

/// What the files of the shop hold: chain.yaml, front.yaml, back.yaml.
inline std::vector<model::OriginContent> shop_files() {
    return {{"chain.yaml", {chain({{"front", "back"}})}},
            {"front.yaml",
             {service("front", "10.96.0.1"), slice("front", {"10.1.0.1"}),
              pod("front-1", "front", "10.1.0.1")}},
            {"back.yaml",
             {service("back", "10.96.0.2"), slice("back", {"10.1.0.2"}),
              pod("back-1", "back", "10.1.0.2")}}};
}

inline model::RouteKey route(const std::string& vip) { return {ip(vip), 80, util::Protocol::kTcp}; }

}  // namespace directfaas::agent_test
