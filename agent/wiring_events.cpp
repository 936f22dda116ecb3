// SPDX-License-Identifier: Apache-2.0
// What of this node becomes an Event of the cluster. What is wrong with a chain everywhere is the
// controller's to tell.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "agent/wiring.h"

namespace directfaas {
namespace {

using cluster_events::Regarding;
using cluster_events::Trouble;

constexpr const char* kReportedBy = "directfaas.io/agent";
constexpr std::chrono::minutes kLimitsPeriod{1};
// A pod that is made, a chain that the controller has judged a moment before, a change that the
// backend takes at its second try: no troubles yet.
constexpr std::chrono::seconds kPodPatience{30};
constexpr std::chrono::seconds kChainPatience{30};
constexpr std::chrono::seconds kRulesPatience{15};
constexpr std::chrono::seconds kReadPatience{60};

Regarding pod_regarding(const std::string& pod, const source::Source& source) {
    const auto slash = pod.find('/');
    return {"v1", "Pod", pod.substr(0, slash), pod.substr(slash + 1), source.uid_of("Pod " + pod)};
}

/// As the kubelet names its node, so that `kubectl describe node` shows it.
Regarding node_regarding(const std::string& node) { return {"v1", "Node", "", node, node}; }

/// The Service of the function's name; the node where the function has another one.
Regarding function_regarding(const model::Identity& function, const source::Source& source,
                             const std::string& node) {
    const auto uid = source.uid_of("Service " + function.name.text());
    return uid.empty() ? node_regarding(node)
                       : Regarding{"v1", "Service", function.name.ns, function.name.name, uid};
}

}  // namespace

void Agent::open_events(std::unique_ptr<kube::HttpTransport> transport) {
    recorder_ = std::make_unique<kube::EventRecorder>(
        std::move(transport),
        kube::EventOptions{.controller = kReportedBy, .instance = options_.node_name});
    teller_ = std::make_unique<cluster_events::Teller>(
        [this](kube::Event event) { recorder_->record(std::move(event)); });
    limits_ = std::make_unique<cluster_events::LimitsWatch>(*backend_, kLimitsPeriod);
    hold_->on_given_up([this](const hold::GivenUp& call) {
        teller_->happened(
            {function_regarding(call.to, *source_, options_.node_name), "CallsGivenUp", "Hold",
             fmt::format("node {}: a call of {} to {} was refused: {}", options_.node_name,
                         call.from.text(), call.to.text(), call.why)},
            1, std::chrono::steady_clock::now());
    });
}

/// Pods that are not enforced; not those that have no address yet, which wait for the kubelet.
void Agent::add_pod_troubles(std::vector<Trouble>& troubles) const {
    std::set<std::string> addressed;
    for (const auto& pod : model().local_pods()) {
        if (!pod.ips.empty()) {
            addressed.insert(pod.name.text());
        }
    }
    for (const auto& pod : unattached()) {
        if (addressed.contains(pod.pod)) {
            troubles.push_back({pod_regarding(pod.pod, *source_), "NotEnforced", "Attach",
                                fmt::format("node {}: calls of and to this pod are not checked at "
                                            "its interface: {}",
                                            options_.node_name, pod.why),
                                kPodPatience, "Enforced", "its interface is attached"});
        }
    }
}

/// A node without pods of a chain's namespace enforces nothing of it.
void Agent::add_chain_troubles(std::vector<Trouble>& troubles) const {
    std::set<std::string> here;
    for (const auto& pod : model().local_pods()) {
        here.insert(pod.name.ns);
    }
    for (const auto& chain : source_->refused_here()) {
        if (here.contains(chain.name.ns)) {
            troubles.push_back({{"directfaas.io/v1alpha1", "FunctionChain", chain.name.ns,
                                 chain.name.name, chain.uid},
                                "RefusedByNode",
                                "Enforce",
                                fmt::format("node {} refuses what the controller has accepted, and "
                                            "keeps an earlier state in force: {}",
                                            options_.node_name, chain.why),
                                kChainPatience,
                                "TakenByNode",
                                fmt::format("node {} has it in force", options_.node_name)});
        }
    }
}

void Agent::add_node_troubles(std::vector<Trouble>& troubles) const {
    const auto node = node_regarding(options_.node_name);
    const auto sync = sync_->status();
    if (!source_->complete()) {
        const auto found = source_->problems();
        troubles.push_back(
            {node, "ClusterNotRead", "Watch",
             fmt::format("directfaas-agent has not read all objects, rules of before "
                         "stay in force: {}",
                         found.empty() ? "a list is missing" : found.front().message),
             kReadPatience, "ClusterRead", "directfaas-agent has read all objects"});
    } else if (sync.started && !sync.in_sync) {
        troubles.push_back(
            {node, "RulesNotInForce", "Enforce",
             fmt::format("directfaas-agent cannot put all rules in force: {}", sync.last_error),
             kRulesPatience, "RulesInForce", "all rules are in force"});
    }
    for (auto& bypass : bypasses()) {
        troubles.push_back({node, "SwitchBypassed", "Enforce", std::move(bypass), kRulesPatience,
                            "SwitchNotBypassed", "nothing is known to go past the switch"});
    }
    for (const auto& table : full_tables_) {
        troubles.push_back({node, "TableNearlyFull", "Enforce",
                            fmt::format("table {} of the switch can hold {} entries and is nine "
                                        "tenths full; what does not fit is refused",
                                        table.name, table.capacity),
                            std::chrono::seconds{0}, "", ""});
    }
}

void Agent::tell_limits() {
    auto limits = limits_->take();
    if (!limits) {
        return;
    }
    full_tables_ = std::move(limits->full);
    for (const auto& [reason, packets] : limits->refused_more) {
        teller_->happened({node_regarding(options_.node_name), "LimitReached", "Enforce",
                           fmt::format("packets were refused as {}: {}",
                                       backend::reason_name(reason), backend::reason_text(reason))},
                          packets, std::chrono::steady_clock::now());
    }
}

void Agent::tell_events() {
    if (!teller_) {
        return;
    }
    tell_limits();
    std::vector<Trouble> troubles;
    add_node_troubles(troubles);
    add_pod_troubles(troubles);
    add_chain_troubles(troubles);
    teller_->look(
        std::move(troubles),
        [this](const Regarding& regarding) {
            const auto object = regarding.kind + " " + regarding.ns + "/" + regarding.name;
            return regarding.kind == "Node" ||
                   (!regarding.uid.empty() && source_->uid_of(object) == regarding.uid);
        },
        std::chrono::steady_clock::now());
}

}  // namespace directfaas
