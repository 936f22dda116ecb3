// SPDX-License-Identifier: Apache-2.0
// Service (v1). Its clusterIPs are the vIPs of the function behind it.
#include <fmt/format.h>

#include <algorithm>

#include "lib/manifest/kinds.h"

namespace directfaas::manifest {
namespace {

constexpr std::size_t kMaxPorts = 1000;
constexpr std::size_t kMaxClusterIps = 2;

bool is_headless(const Node& node) { return node.kind == NodeKind::kScalar && node.text == "None"; }

void add_cluster_ip(const Node& node, model::Service& service, Report& report) {
    const auto address = as_address(node, report);
    if (!address) {
        return;
    }
    const bool same_family = std::ranges::any_of(
        service.cluster_ips, [&](const auto& ip) { return ip.is_v4() == address->is_v4(); });
    if (same_family) {
        report.error(node.where(),
                     fmt::format("{} is a second address of one family", report.path(node)),
                     "A Service has at most one IPv4 and one IPv6 address");
        return;
    }
    service.cluster_ips.push_back(*address);
}

void decode_cluster_ips(const Node& spec, model::Service& service, Report& report) {
    const Node* single = spec.find("clusterIP");
    const Node* list = list_member(spec, "clusterIPs", kMaxClusterIps, report);
    if (single == nullptr && (list == nullptr || list->size == 0)) {
        if (spec.find("clusterIPs") == list &&
            text_member(spec, "type", report) != "ExternalName") {
            report.warning(spec.where(), "spec.clusterIP is missing, so the Service has no vIP",
                           "Write the address: in a directory nobody assigns one");
        }
        return;
    }
    const Node* first = list == nullptr || list->size == 0 ? single : list->first;
    if (single != nullptr && first->kind == NodeKind::kScalar && single->text != first->text) {
        report.error(single->where(), "spec.clusterIP is not the first of spec.clusterIPs",
                     "Make them equal, or remove spec.clusterIP");
        return;
    }
    if (is_headless(*first)) {
        return;
    }
    for (const Node* node = first; node != nullptr; node = node == single ? nullptr : node->next) {
        add_cluster_ip(*node, service, report);
    }
}

void check_port(const DecodedPort& decoded, const Node& list, const model::Service& service,
                Report& report) {
    const auto& port = decoded.port;
    if (port.name.empty() && list.size > 1) {
        report.error(decoded.line, fmt::format("port {} has no name", port.port),
                     "Name the ports: a Service with several ports needs it");
    }
    for (const auto& other : service.ports) {
        if (!port.name.empty() && other.name == port.name) {
            report.error(decoded.line, fmt::format("port name {} is here a second time", port.name),
                         "Give each port its own name");
        }
        if (other.port == port.port && other.protocol == port.protocol) {
            report.error(decoded.line,
                         fmt::format("port {}/{} is here a second time", port.port,
                                     util::protocol_name(port.protocol)),
                         "Remove one");
        }
    }
}

void decode_ports(const Node& spec, model::Service& service, Report& report) {
    const Node* list = list_member(spec, "ports", kMaxPorts, report);
    for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
         item = item->next) {
        if (const auto decoded = decode_port(*item, report)) {
            check_port(*decoded, *list, service, report);
            service.ports.push_back(decoded->port);
        }
    }
    if (list == nullptr && spec.find("ports") == nullptr && !service.cluster_ips.empty()) {
        missing(spec, "ports", "List the ports that callers use", report);
    }
}

constexpr std::string_view kProxyLabel = "service.kubernetes.io/service-proxy-name";
constexpr std::array<Choice<bool>, 2> kAffinities{{{"None", false}, {"ClientIP", true}}};
constexpr std::uint32_t kAffinitySeconds = 10800;  // as the apiserver says where nothing is said
constexpr std::uint32_t kMaxAffinitySeconds = 86400;
constexpr std::array<Choice<bool>, 2> kTrafficPolicies{{{"Cluster", false}, {"Local", true}}};

template <std::size_t kSize>
bool chosen(const Node& spec, std::string_view key, const std::array<Choice<bool>, kSize>& choices,
            Report& report) {
    const Node* value = spec.find(key);
    return value != nullptr && as_choice(*value, choices, report).value_or(false);
}

/// sessionAffinity with sessionAffinityConfig.clientIP.timeoutSeconds.
std::chrono::seconds decode_affinity(const Node& spec, Report& report) {
    if (!chosen(spec, "sessionAffinity", kAffinities, report)) {
        return {};
    }
    const Node* config = map_member(spec, "sessionAffinityConfig", report);
    const Node* client = config == nullptr ? nullptr : map_member(*config, "clientIP", report);
    const Node* timeout = client == nullptr ? nullptr : client->find("timeoutSeconds");
    if (timeout == nullptr) {
        return std::chrono::seconds{kAffinitySeconds};
    }
    return std::chrono::seconds{
        as_number(*timeout, kMaxAffinitySeconds, "a number of seconds from 1 to 86400", report)
            .value_or(kAffinitySeconds)};
}

void decode_proxy(const Node& root, model::Service& service, Report& report) {
    const Node* metadata = root.find("metadata");
    const Node* labels = metadata == nullptr ? nullptr : map_member(*metadata, "labels", report);
    if (labels != nullptr) {
        service.proxy = text_member(*labels, kProxyLabel, report).value_or("");
    }
}

}  // namespace

std::optional<model::Object> decode_service(const Node& root, Report& report) {
    const auto before = report.errors();
    model::Service service;
    service.where = report.at(root.line);
    service.name = decode_name(root, report);
    decode_proxy(root, service, report);
    if (const Node* spec = map_member(root, "spec", report); spec != nullptr) {
        decode_cluster_ips(*spec, service, report);
        decode_ports(*spec, service, report);
        service.selector = labels_member(*spec, "selector", report);
        service.affinity = decode_affinity(*spec, report);
        service.node_local = chosen(*spec, "internalTrafficPolicy", kTrafficPolicies, report);
    } else if (root.find("spec") == nullptr) {
        missing(root, "spec", "Add \"spec:\" with clusterIP, ports and selector", report);
    }
    if (report.errors() > before) {
        return std::nullopt;
    }
    return service;
}

}  // namespace directfaas::manifest
