// SPDX-License-Identifier: Apache-2.0
#include "bench/big_application.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "agent/backend/ebpf/pins.h"
#include "maps/route.h"
#include "test/support/wait.h"

namespace directfaas::bench {
namespace {

using nlohmann::json;

constexpr const char* kBridgeMac = "ee:ee:ee:ee:ee:ee";

/// 10.<net>.x.y
util::IpAddress in_network(unsigned net, unsigned number) {
    return *util::IpAddress::parse(
        fmt::format("10.{}.{}.{}", net + (number >> 16U), (number >> 8U) & 0xffU, number & 0xffU));
}

std::string function_name(unsigned function) { return fmt::format("f{}", function); }

json metadata(unsigned ns, const std::string& name) {
    return {{"namespace", fmt::format("n{}", ns)}, {"name", name}};
}

json chain(unsigned ns, bool edge) {
    json functions = json::array();
    json edges = json::array();
    for (unsigned f = 0; f < kFunctionsPerNamespace; ++f) {
        functions.push_back({{"name", function_name(f)}});
        if (f > 0) {
            edges.push_back({{"from", function_name(f - 1)}, {"to", function_name(f)}});
        }
    }
    if (edge) {
        edges.push_back({{"from", "f0"}, {"to", "f5"}});
    }
    return {{"apiVersion", "directfaas.io/v1alpha1"},
            {"kind", "FunctionChain"},
            {"metadata", metadata(ns, "app")},
            {"spec", {{"functions", functions}, {"edges", edges}}}};
}

json service(unsigned ns, unsigned function) {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", metadata(ns, function_name(function))},
            {"spec",
             {{"clusterIP", service_address(ns, function).text()},
              {"selector", {{"app", function_name(function)}}},
              {"ports", {{{"name", "http"}, {"port", kPort}, {"targetPort", 8080}}}}}}};
}

json slice(unsigned ns, unsigned function, unsigned instances) {
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

json first_pod(unsigned ns, const std::string& interface) {
    auto meta = metadata(ns, "f0-0");
    meta["labels"] = {{"app", "f0"}};
    meta["annotations"] = {{"directfaas.io/host-interface", interface}};
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", meta},
            {"spec", {{"nodeName", "bench"}}},
            {"status", {{"podIPs", {{{"ip", pod_address(ns, 0, 0).text()}}}}}}};
}

}  // namespace

util::IpAddress service_address(unsigned ns, unsigned function) {
    return in_network(96, 1 + ns * kFunctionsPerNamespace + function);
}

util::IpAddress pod_address(unsigned ns, unsigned function, unsigned instance) {
    return in_network(
        128, 1 + (ns * kFunctionsPerNamespace + function) * kInstancesPerFunction + instance);
}

double number_behind(const std::string& path, const std::string& label) {
    std::ifstream file(path);
    for (std::string word; file >> word;) {
        double number = 0;
        if (word == label && file >> number) {
            return number;
        }
    }
    throw std::runtime_error("no " + label + " in " + path);
}

std::string namespace_manifest(unsigned number, const NamespaceState& state) {
    json items{chain(number, state.edge)};
    for (unsigned f = 0; f < kFunctionsPerNamespace; ++f) {
        items.push_back(service(number, f));
        const unsigned all = f == 5 && state.few ? 2 : kInstancesPerFunction;
        items.push_back(slice(number, f, f == 5 && !state.instance ? all - 1 : all));
    }
    if (!state.interface.empty()) {
        items.push_back(first_pod(number, state.interface));
    }
    auto text = json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}}.dump();
    if (text.size() > kLargestFile) {
        throw support::SupportError(fmt::format("a namespace's file has {} bytes", text.size()));
    }
    return text;
}

BigApplication::BigApplication(unsigned namespaces, Backend backend)
    : namespaces_(namespaces),
      node_("bench-node"),
      vswitch_(backend == Backend::kOvs
                   ? std::make_unique<support::VSwitch>(node_, "bench", kBridgeMac)
                   : nullptr),
      directory_((std::filesystem::temp_directory_path() / "manifests").string()),
      agent_(node_, {.instance = instance_,
                     .node_name = "bench",
                     .manifests = directory_,
                     .pod_networks = {"10.128.0.0/9"},
                     .vswitch = vswitch_.get(),
                     .more = {"--log-level", "warning"}}) {
    std::filesystem::create_directory(directory_);
}

BigApplication::~BigApplication() { agent_.kill(); }

std::string BigApplication::pin(const std::string& name) const {
    const auto pins = backend::ebpf::Pins::describe("/sys/fs/bpf", instance_);
    constexpr std::string_view kProgram = "prog/";
    return name.starts_with(kProgram) ? pins.program(name.substr(kProgram.size()))
                                      : pins.table(name);
}

std::string BigApplication::file(unsigned ns) const {
    return fmt::format("{}/n{}.json", directory_, ns);
}

void BigApplication::prepare(unsigned ns, const NamespaceState& state) {
    std::ofstream(aside()) << namespace_manifest(ns, state);
}

void BigApplication::put(unsigned ns) {
    if (std::rename(aside().c_str(), file(ns).c_str()) != 0) {
        support::throw_errno("rename to " + file(ns));
    }
}

double BigApplication::start() {
    const auto begin = std::chrono::steady_clock::now();
    agent_.launch();
    agent_.wait_ready();
    if (!support::wait_until([&] { return served() == functions(); })) {
        throw support::SupportError(fmt::format("the agent serves {} of {} functions:\n{}",
                                                served(), functions(), agent_.log()));
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double BigApplication::agent_mib(const std::string& label) const {
    return number_behind("/proc/" + std::to_string(agent_.pid()) + "/status", label) / 1024;
}

std::size_t BigApplication::served() {
    const auto status = agent_.control({{"command", "status"}});
    return static_cast<std::size_t>(std::ranges::count_if(
        status.at("functions"), [](const json& function) { return function.at("ready") > 0; }));
}

}  // namespace directfaas::bench
