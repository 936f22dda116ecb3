// SPDX-License-Identifier: Apache-2.0
#include "bench/application_objects.h"

#include <fmt/format.h>

#include <stdexcept>

namespace directfaas::bench {

using nlohmann::json;

namespace {

/// An apiserver takes the first addresses for Services of its own.
constexpr unsigned kFirstService = 256;

/// 10.<net>.x.y
util::IpAddress in_network(unsigned net, unsigned number) {
    return *util::IpAddress::parse(
        fmt::format("10.{}.{}.{}", net + (number >> 16U), (number >> 8U) & 0xffU, number & 0xffU));
}

json metadata(unsigned ns, const std::string& name) {
    return {{"namespace", namespace_name(ns)}, {"name", name}};
}

}  // namespace

std::string namespace_name(unsigned ns) { return fmt::format("n{}", ns); }

std::string function_name(unsigned function) { return fmt::format("f{}", function); }

util::IpAddress service_address(unsigned ns, unsigned function) {
    return in_network(96, kFirstService + ns * kFunctionsPerNamespace + function);
}

util::IpAddress pod_address(unsigned ns, unsigned function, unsigned instance) {
    return in_network(
        128, 1 + (ns * kFunctionsPerNamespace + function) * kInstancesPerFunction + instance);
}

json chain_object(unsigned ns, const NamespaceState& state) {
    json functions = json::array();
    json edges = json::array();
    for (unsigned f = 0; f < kFunctionsPerNamespace; ++f) {
        functions.push_back({{"name", function_name(f)}});
        if (f > 0) {
            edges.push_back({{"from", function_name(f - 1)}, {"to", function_name(f)}});
        }
    }
    if (state.edge) {
        edges.push_back({{"from", "f0"}, {"to", function_name(kCallee)}});
    }
    return {{"apiVersion", "directfaas.io/v1alpha1"},
            {"kind", "FunctionChain"},
            {"metadata", metadata(ns, "app")},
            {"spec", {{"functions", functions}, {"edges", edges}}}};
}

json service_object(unsigned ns, unsigned function) {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", metadata(ns, function_name(function))},
            {"spec",
             {{"clusterIP", service_address(ns, function).text()},
              {"selector", {{"app", function_name(function)}}},
              {"ports", {{{"name", "http"}, {"port", kPort}, {"targetPort", 8080}}}}}}};
}

json slice_object(unsigned ns, unsigned function, const NamespaceState& state) {
    const unsigned all = function == kCallee && state.few ? 2 : kInstancesPerFunction;
    const unsigned instances = function == kCallee && !state.instance ? all - 1 : all;
    json endpoints = json::array();
    for (unsigned i = 0; i < instances; ++i) {
        endpoints.push_back(
            {{"addresses", {pod_address(ns, function, i).text()}},
             {"conditions", {{"ready", true}, {"serving", true}, {"terminating", false}}}});
    }
    auto meta = metadata(ns, function_name(function) + "-x1");
    meta["labels"] = {{"kubernetes.io/service-name", function_name(function)}};
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata", meta},
            {"addressType", "IPv4"},
            {"ports", {{{"name", "http"}, {"port", 8080}, {"protocol", "TCP"}}}},
            {"endpoints", endpoints}};
}

json caller_object(unsigned ns, const NamespaceState& state) {
    auto meta = metadata(ns, "f0-0");
    meta["labels"] = {{"app", "f0"}};
    meta["annotations"] = {{"directfaas.io/host-interface", state.interface}};
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", meta},
            {"spec", {{"nodeName", kNode}}},
            {"status", {{"podIPs", {{{"ip", pod_address(ns, 0, 0).text()}}}}}}};
}

std::string namespace_manifest(unsigned ns, const NamespaceState& state) {
    json items{chain_object(ns, state)};
    for (unsigned f = 0; f < kFunctionsPerNamespace; ++f) {
        items.push_back(service_object(ns, f));
        items.push_back(slice_object(ns, f, state));
    }
    if (!state.interface.empty()) {
        items.push_back(caller_object(ns, state));
    }
    auto text = json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}}.dump();
    if (text.size() > kLargestFile) {
        throw std::runtime_error(fmt::format("a namespace's file has {} bytes", text.size()));
    }
    return text;
}

}  // namespace directfaas::bench
