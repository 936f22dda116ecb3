// SPDX-License-Identifier: Apache-2.0
// The main CNI plugin and the service proxy of a cluster, from what the apiserver has of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cli/cluster/check_items.h"
#include "cli/text.h"

namespace directfaas::cli {
namespace {

constexpr const char* kCni = "main CNI plugin";
constexpr const char* kProxy = "service proxy";
constexpr const char* kHidden =
    "sockets are balanced before the switch sees the vIP, so chains do not see calls by vIP";

struct DaemonSet {
    std::string ns;
    Json object;
};
using DaemonSets = std::map<std::string, DaemonSet>;  // by name

/// Plugins that give each pod a veth whose packets go through the node's stack.
constexpr std::array<std::pair<const char*, const char*>, 9> kPlain{
    {{"kube-flannel-ds", "Flannel"},
     {"kube-flannel", "Flannel"},
     {"canal", "Canal"},
     {"kindnet", "kindnet"},
     {"weave-net", "Weave Net"},
     {"kube-router", "kube-router"},
     {"antrea-agent", "Antrea"},
     {"kube-ovn-cni", "Kube-OVN"},
     {"aws-node", "Amazon VPC CNI"}}};

/// The value as it is, for comparing; text_at() is for printing.
std::string value_at(const Json& data, const char* key) {
    const auto found = data.find(key);
    return found != data.end() && found->is_string() ? found->get<std::string>() : "";
}

/// An object that may not be there: then it is empty.
std::expected<Json, Failure> read_optional(const ClusterOptions& options,
                                           std::vector<std::string> words) {
    words.insert(words.end(), {"-o", "json"});
    auto found = read_kubectl(options, words);
    if (!found && (found.error().message.contains("NotFound") ||
                   found.error().message.contains("doesn't have a resource type"))) {
        return Json::object();
    }
    return found;
}

std::expected<Json, Failure> config_map(const ClusterOptions& options, const std::string& ns,
                                        const std::string& name) {
    const auto map = read_optional(options, {"get", "configmap", name, "--namespace=" + ns});
    return map ? std::expected<Json, Failure>(object_at(*map, "data"))
               : std::unexpected(map.error());
}

std::string variable(const DaemonSet& set, const char* name) {
    const auto& pod = object_at(object_at(object_at(set.object, "spec"), "template"), "spec");
    for (const auto& container : list_at(pod, "containers")) {
        for (const auto& item : list_at(container, "env")) {
            if (value_at(item, "name") == name) {
                return value_at(item, "value");
            }
        }
    }
    return "";
}

bool replaces_proxy(const Json& cilium) {
    const auto value = value_at(cilium, "kube-proxy-replacement");
    return value == "true" || value == "strict";
}

/// Cilium leaves the node's stack out if nothing of the stack is needed: it then also replaces
/// kube-proxy and masquerades by itself.
bool routes_past_stack(const Json& cilium) {
    const bool masquerades = value_at(cilium, "enable-bpf-masquerade") == "true" ||
                             value_at(cilium, "enable-ipv4-masquerade") == "false";
    return value_at(cilium, "enable-host-legacy-routing") != "true" && replaces_proxy(cilium) &&
           masquerades;
}

bool balances_sockets(const Json& cilium) {
    const bool on = replaces_proxy(cilium) || value_at(cilium, "bpf-lb-sock") == "true" ||
                    value_at(cilium, "enable-host-reachable-services") == "true";
    return on && value_at(cilium, "bpf-lb-sock-hostns-only") != "true";
}

std::vector<Json> cilium_items(const Json& cilium) {
    std::vector<Json> items;
    const auto mode = value_at(cilium, "datapath-mode");
    if (!mode.empty() && mode != "veth") {
        items.push_back(check_item(kCni, false, true,
                                   "Cilium with datapath-mode " + printable(mode) +
                                       ": pods have no veth, and nothing can be enforced",
                                   "helm value bpf.datapathMode=veth for Cilium, then make the "
                                   "pods anew"));
    } else if (routes_past_stack(cilium)) {
        items.push_back(check_item(kCni, false, true,
                                   "Cilium with BPF host routing: packets between pods go past the "
                                   "veth's other end, where the switch is",
                                   "helm value bpf.hostLegacyRouting=true for Cilium"));
    } else {
        items.push_back(check_item(kCni, true, true, "Cilium, routing by the node's stack", ""));
    }
    if (balances_sockets(cilium)) {
        items.push_back(check_item(kProxy, false, true, std::string("Cilium: ") + kHidden,
                                   "helm value socketLB.hostNamespaceOnly=true for Cilium"));
    } else if (replaces_proxy(cilium)) {
        items.push_back(check_item(kProxy, true, true, "Cilium in place of kube-proxy", ""));
    }
    return items;
}

std::vector<Json> cilium(const ClusterOptions& options, const DaemonSet& set) {
    const auto config = config_map(options, set.ns, "cilium-config");
    if (!config) {
        return {unknown_item(kCni, config.error())};
    }
    return cilium_items(*config);
}

std::vector<Json> calico(const ClusterOptions& options, const DaemonSet& set) {
    const auto felix =
        read_optional(options, {"get", "felixconfigurations.crd.projectcalico.org", "default"});
    if (!felix) {
        return {unknown_item(kCni, felix.error())};
    }
    const auto variable_value = variable(set, "FELIX_BPFENABLED");
    const bool bpf = flag_at(object_at(*felix, "spec"), "bpfEnabled") || variable_value == "true" ||
                     variable_value == "Enabled";
    if (!bpf) {
        return {check_item(kCni, true, true, "Calico, routing by the node's stack", "")};
    }
    return {
        check_item(kCni, false, true,
                   "Calico with its eBPF data plane: its programs send packets between pods past "
                   "the switch, and balance Services themselves",
                   "set bpfEnabled to false in FelixConfiguration default (or linuxDataplane to "
                   "Iptables in the operator's Installation), with kube-proxy running again")};
}

std::vector<Json> cni_items(const ClusterOptions& options, const DaemonSets& sets) {
    if (const auto found = sets.find("cilium"); found != sets.end()) {
        return cilium(options, found->second);
    }
    for (const auto& [name, title] : kPlain) {
        if (sets.contains(name)) {
            return {check_item(kCni, true, true, title, "")};
        }
    }
    if (const auto found = sets.find("calico-node"); found != sets.end()) {
        return calico(options, found->second);
    }
    return {check_item(kCni, false, false, "not known: no DaemonSet of one that this check knows",
                       "wanted is one that gives each pod a veth; agents say of each pod whether "
                       "it is enforced")};
}

/// "" if the text has no `mode`: the default.
std::string proxy_mode(const std::string& config) {
    constexpr std::string_view kKey = "mode:";
    for (std::size_t begin = 0; begin < config.size();) {
        const auto end = std::min(config.find('\n', begin), config.size());
        const auto line = std::string_view(config).substr(begin, end - begin);
        if (line.starts_with(kKey)) {
            std::string mode;
            std::ranges::copy_if(line.substr(kKey.size()), std::back_inserter(mode), [](char c) {
                return c != '"' && c != '\'' && c != ' ' && c != '\r';
            });
            return mode;
        }
        begin = end + 1;
    }
    return "";
}

Json kube_proxy(const ClusterOptions& options, const DaemonSet& set) {
    const auto config = config_map(options, set.ns, "kube-proxy");
    if (!config) {
        return unknown_item(kProxy, config.error());
    }
    const auto told = proxy_mode(value_at(*config, "config.conf"));
    const auto mode = told.empty() ? std::string("iptables") : told;
    const bool tried = mode == "iptables" || mode == "nftables";
    return check_item(kProxy, tried, false, fmt::format("kube-proxy, mode {}", printable(mode)),
                      "only its modes iptables and nftables were tried");
}

}  // namespace

Json runtimes_item(const Json& nodes) {
    std::map<std::string, std::size_t> counts;
    std::set<std::string> odd;
    for (const auto& node : list_at(nodes, "items")) {
        const auto runtime =
            text_at(object_at(object_at(node, "status"), "nodeInfo"), "containerRuntimeVersion");
        ++counts[runtime.empty() ? "not told" : runtime];
        if (!runtime.starts_with("containerd://") && !runtime.starts_with("cri-o://")) {
            odd.insert(text_at(object_at(node, "metadata"), "name"));
        }
    }
    std::vector<std::string> all;
    all.reserve(counts.size());
    for (const auto& [runtime, count] : counts) {
        all.push_back(fmt::format("{} on {} node{}", runtime, count, count == 1 ? "" : "s"));
    }
    return check_item("runtimes", odd.empty(), false, fmt::format("{}", fmt::join(all, ", ")),
                      fmt::format("containerd or CRI-O is wanted, not what {} has: another one may "
                                  "not call chained CNI plugins",
                                  fmt::join(odd, ", ")));
}

std::vector<Json> network_items(const ClusterOptions& options) {
    const auto listed =
        read_kubectl(options, {"get", "daemonsets", "--all-namespaces", "-o", "json"});
    if (!listed) {
        return {unknown_item(kCni, listed.error()), unknown_item(kProxy, listed.error())};
    }
    DaemonSets sets;
    for (const auto& item : list_at(*listed, "items")) {
        const auto& meta = object_at(item, "metadata");
        sets[value_at(meta, "name")] = {value_at(meta, "namespace"), item};
    }
    auto items = cni_items(options, sets);
    const bool told = std::ranges::any_of(
        items, [](const Json& item) { return text_at(item, "name") == kProxy; });
    if (const auto found = sets.find("kube-proxy"); found != sets.end()) {
        items.push_back(kube_proxy(options, found->second));
    } else if (!told) {
        items.push_back(check_item(
            kProxy, false, false, "not known: there is no DaemonSet kube-proxy",
            "where nothing serves the Service `kubernetes`, say apiserver.host and apiserver.port "
            "to the chart"));
    }
    return items;
}

}  // namespace directfaas::cli
