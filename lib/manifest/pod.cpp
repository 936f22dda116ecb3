// SPDX-License-Identifier: Apache-2.0
// Pod (v1): which address and which host-side interface a copy of a function or an entry has.
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>

#include "lib/manifest/kinds.h"

namespace directfaas::manifest {
namespace {

constexpr std::string_view kInterfaceAnnotation = "directfaas.io/host-interface";
constexpr std::size_t kMaxIps = 16;

bool is_interface_name(std::string_view name) {
    return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c != '/' && c != ':'; });
}

void decode_interface(const Node& metadata, model::Pod& pod, Report& report) {
    const Node* annotations = map_member(metadata, "annotations", report);
    const Node* node = annotations == nullptr ? nullptr : annotations->find(kInterfaceAnnotation);
    const auto name = node == nullptr ? std::nullopt : as_text(*node, report);
    if (!name) {
        return;
    }
    if (!is_interface_name(*name)) {
        report.error(
            node->where(),
            fmt::format("annotation {} is not the name of an interface", kInterfaceAnnotation),
            fmt::format("Use at most {} characters without spaces, \"/\" and \":\"", IFNAMSIZ - 1));
        return;
    }
    pod.interface_name = *name;
}

void add_ip(const Node& node, model::Pod& pod, Report& report) {
    const auto address = as_address(node, report);
    if (address && std::ranges::find(pod.ips, *address) == pod.ips.end()) {
        pod.ips.push_back(*address);
    }
}

void decode_ips(const Node& status, model::Pod& pod, Report& report) {
    const Node* list = list_member(status, "podIPs", kMaxIps, report);
    for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
         item = item->next) {
        const Node* ip = item->find("ip");
        if (item->kind != NodeKind::kMap) {
            wrong_type(*item, "a map", report);
        } else if (ip == nullptr) {
            missing(*item, "ip", "Write \"ip: <address>\"", report);
        } else {
            add_ip(*ip, pod, report);
        }
    }
    if (const Node* single = status.find("podIP"); single != nullptr && list == nullptr) {
        add_ip(*single, pod, report);
    }
}

/// The addresses of a pod that has ended may belong to another pod by now.
bool has_ended(const Node& status) {
    const Node* phase = status.find("phase");
    return phase != nullptr && phase->kind == NodeKind::kScalar &&
           (phase->text == "Succeeded" || phase->text == "Failed");
}

/// Such a pod has the node's addresses, and with them every other program of the node.
bool ignored_as_host_network(const Node& spec, Report& report) {
    const Node* host = spec.find("hostNetwork");
    if (host == nullptr || !bool_member(spec, "hostNetwork", report).value_or(false)) {
        return false;
    }
    report.warning(host->where(), "the pod uses the network of its node and is ignored",
                   "A function or entry needs a network namespace of its own");
    return true;
}

}  // namespace

std::optional<model::Object> decode_pod(const Node& root, Report& report) {
    const auto before = report.errors();
    model::Pod pod;
    pod.where = report.at(root.line);
    pod.name = decode_name(root, report);
    if (const Node* metadata = root.find("metadata"); metadata != nullptr) {
        pod.labels = labels_member(*metadata, "labels", report);
        decode_interface(*metadata, pod, report);
    }
    bool ignored = false;
    if (const Node* spec = map_member(root, "spec", report); spec != nullptr) {
        pod.node = text_member(*spec, "nodeName", report).value_or("");
        ignored = ignored_as_host_network(*spec, report);
    }
    if (const Node* status = map_member(root, "status", report); status != nullptr) {
        decode_ips(*status, pod, report);
        ignored = ignored || has_ended(*status);
    }
    if (ignored || report.errors() > before) {
        return std::nullopt;
    }
    return pod;
}

}  // namespace directfaas::manifest
