// SPDX-License-Identifier: Apache-2.0
#include "test/support/manifests.h"

#include <fmt/format.h>

#include <fstream>

namespace directfaas::support {
namespace {

Json metadata(const std::string& ns, const std::string& name) {
    return {{"namespace", ns}, {"name", name}};
}

Json function_item(const FunctionSpec& function) {
    Json item{{"name", function.name},
              {"serviceRef", {{"name", function.name}}},
              {"exposure", {{"type", function.ingress ? "Ingress" : "Internal"}}},
              {"scaleFromZero", {{"mode", function.scale_from_zero}}}};
    if (function.allow_self) {
        item["allowSelf"] = true;
    }
    for (const std::uint16_t port : function.open_ports) {
        item["openPorts"].push_back({{"port", port}, {"protocol", "TCP"}});
    }
    return item;
}

Json conditions(InstanceState state) {
    return {{"ready", state == InstanceState::kReady},
            {"serving", state != InstanceState::kNotReady},
            {"terminating", state == InstanceState::kTerminating}};
}

}  // namespace

std::string node_name(NodeId id) { return id == NodeId::kA ? "node-a" : "node-b"; }

Json chain_manifest(const ChainSpec& chain) {
    Json spec{{"enforcement", chain.enforcement},
              {"fastPath", chain.fast_path},
              {"functions", Json::array()},
              {"edges", Json::array()}};
    for (const auto& [name, function] : chain.functions) {
        spec["functions"].push_back(function_item(function));
    }
    for (const auto& [from, to] : chain.edges) {
        spec["edges"].push_back({{"from", from}, {"to", to}});
    }
    for (const std::string& entry : chain.entries) {
        spec["entries"].push_back(
            {{"name", entry}, {"selector", {{"matchLabels", {{"entry", entry}}}}}});
    }
    return {{"apiVersion", "directfaas.io/v1alpha1"},
            {"kind", "FunctionChain"},
            {"metadata", metadata(chain.ns, chain.name)},
            {"spec", spec}};
}

Json service_manifest(const std::string& ns, const FunctionSpec& function, const DualAddress& vip) {
    Json ports = Json::array();
    for (const PortSpec& port : function.ports) {
        ports.push_back({{"name", port.name},
                         {"port", port.port},
                         {"targetPort", port.target_port},
                         {"protocol", util::protocol_name(port.protocol)}});
    }
    Json spec{{"clusterIP", vip.v4.text()},
              {"clusterIPs", {vip.v4.text(), vip.v6.text()}},
              {"selector", {{"app", function.name}}},
              {"ports", ports}};
    if (function.affinity_s != 0) {
        spec["sessionAffinity"] = "ClientIP";
        spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] = function.affinity_s;
    }
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", metadata(ns, function.name)},
            {"spec", std::move(spec)}};
}

std::vector<Json> slice_manifests(
    const std::string& ns, const FunctionSpec& function,
    const std::vector<std::pair<DualAddress, InstanceState>>& endpoints) {
    std::vector<Json> slices;
    for (const Family family : {Family::kV4, Family::kV6}) {
        const bool v4 = family == Family::kV4;
        Json meta = metadata(ns, function.name + (v4 ? "-v4" : "-v6"));
        meta["labels"] = {{"kubernetes.io/service-name", function.name}};
        Json slice{{"apiVersion", "discovery.k8s.io/v1"},
                   {"kind", "EndpointSlice"},
                   {"metadata", meta},
                   {"addressType", v4 ? "IPv4" : "IPv6"},
                   {"ports", Json::array()},
                   {"endpoints", Json::array()}};
        for (const PortSpec& port : function.ports) {
            slice["ports"].push_back({{"name", port.name},
                                      {"port", port.target_port},
                                      {"protocol", util::protocol_name(port.protocol)}});
        }
        for (const auto& [address, state] : endpoints) {
            slice["endpoints"].push_back(
                {{"addresses", {address.of(family).text()}}, {"conditions", conditions(state)}});
        }
        slices.push_back(std::move(slice));
    }
    return slices;
}

Json pod_manifest(const std::string& ns, const Pod& pod,
                  const std::map<std::string, std::string>& labels) {
    Json meta = metadata(ns, pod.name());
    meta["labels"] = labels;
    const DualAddress& ip = pod.addresses();
    return {
        {"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata", meta},
        {"spec", {{"nodeName", node_name(pod.node())}}},
        {"status",
         {{"podIP", ip.v4.text()}, {"podIPs", {{{"ip", ip.v4.text()}}, {{"ip", ip.v6.text()}}}}}}};
}

ManifestDir::ManifestDir(const std::string& prefix)
    : path_(std::filesystem::temp_directory_path() / (prefix + "-manifests")) {
    std::filesystem::create_directory(path_);
}

ManifestDir::~ManifestDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void ManifestDir::write(const std::string& file, const std::vector<Json>& documents) {
    std::string text;
    for (const Json& document : documents) {
        text += "---\n" + document.dump(1) + "\n";
    }
    if (written_[file] == text) {
        return;
    }
    written_[file] = text;
    if (documents.empty()) {
        std::filesystem::remove(path_ / file);
        return;
    }
    const auto aside = path_ / ("." + file + ".new");
    std::ofstream out(aside);
    out << text;
    out.close();
    if (!out) {
        throw_errno("write " + aside.string());
    }
    std::filesystem::rename(aside, path_ / file);
}

}  // namespace directfaas::support
