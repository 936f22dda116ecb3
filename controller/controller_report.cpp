// SPDX-License-Identifier: Apache-2.0
// What the controller tells of itself.
#include <fmt/format.h>

#include "controller/controller.h"

namespace directfaas::controller {

std::vector<std::string> Controller::not_ready() const {
    std::vector<std::string> reasons;
    const auto look = [&](const kube::InformerState& watch) {
        if (!watch.synced()) {
            const auto trouble = watch.status().trouble;
            reasons.push_back(fmt::format("{}{} was not read yet{}{}", url_, watch.resource().path,
                                          trouble.empty() ? "" : ": ", trouble));
        }
    };
    for (const auto& watch : watches_) {
        look(*watch);
    }
    for (const auto& [resource, watch] : entry_watches_) {
        look(*watch);
    }
    return reasons;
}

std::string Controller::metrics() const {
    std::string text;
    const auto add = [&](const char* type, const char* name, const char* help, auto value) {
        text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
    };
    const auto& figures = cluster_.figures();
    const auto written = writer_->counters();
    const auto events = events_->counters();
    text += fmt::format(
        "# HELP directfaas_build_info Version of this program.\n"
        "# TYPE directfaas_build_info gauge\n"
        "directfaas_build_info{{version=\"{}\",component=\"controller\"}} 1\n",
        DF_VERSION);
    add("gauge", "directfaas_controller_leader", "1 if this replica leads.",
        leader_->leads() ? 1 : 0);
    add("gauge", "directfaas_chains", "FunctionChains.", figures.chains);
    add("gauge", "directfaas_chains_accepted", "Chains whose newest generation is in force.",
        figures.accepted);
    add("gauge", "directfaas_chains_resolved", "Chains whose functions can all be called.",
        figures.resolved);
    add("gauge", "directfaas_chains_programmed",
        "Chains whose newest generation is on every node with a pod of theirs.",
        figures.programmed);
    add("gauge", "directfaas_nodes", "Nodes whose agent has reported.", figures.nodes);
    add("gauge", "directfaas_nodes_ready", "Nodes whose agent has all rules in force.",
        figures.nodes_ready);
    add("counter", "directfaas_controller_writes_total", "Writes that the apiserver took.",
        written.written);
    add("counter", "directfaas_controller_write_failures_total", "Writes that it did not take.",
        written.failed);
    add("counter", "directfaas_controller_events_total", "Events that were sent.", events.sent);
    text +=
        "# HELP directfaas_watch_relists_total Lists that were read again, by reason.\n"
        "# TYPE directfaas_watch_relists_total counter\n";
    for (const auto& watch : watches_) {
        for (const auto& [reason, count] : watch->status().relists) {
            text +=
                fmt::format("directfaas_watch_relists_total{{resource=\"{}\",reason=\"{}\"}} {}\n",
                            watch->resource().path, reason, count);
        }
    }
    return text + certificate_metrics();
}

std::string Controller::certificate_metrics() const {
    if (!ca_) {
        return "";
    }
    const auto standing = ca_->standing();
    const auto line = [](const char* name, const char* help, WallTime until) {
        return fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name, help,
                           std::chrono::system_clock::to_time_t(until));
    };
    return line("directfaas_controller_certificate_expiry_timestamp_seconds",
                "When the certificate of --https-listen runs out; 0: there is none yet.",
                standing.server_until) +
           line("directfaas_controller_ca_expiry_timestamp_seconds",
                "When the authority that signed it does.", standing.authority_until);
}

}  // namespace directfaas::controller
