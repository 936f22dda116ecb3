// SPDX-License-Identifier: Apache-2.0
// Families of the agent itself: synchronisation, sources, pods, process.
#include "agent/status/families.h"
#include "agent/status/metrics.h"
#include "agent/status/process.h"

namespace directfaas::status {
namespace {

using prometheus::MetricFamily;

double seconds_since_epoch(std::chrono::system_clock::time_point time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

MetricFamily last_success(const Snapshot& snapshot) {
    const auto& time = snapshot.agent.sync.last_success;
    return single_gauge("directfaas_last_successful_sync_timestamp_seconds",
                        "When all wanted rules were in force for the last time: now, as long as "
                        "they are; 0 before the first time.",
                        time ? seconds_since_epoch(*time) : 0);
}

MetricFamily sync_duration(const Snapshot& snapshot) {
    auto family = Family::histogram("directfaas_sync_duration_seconds",
                                    "How long it took to put a change of rules into force.");
    family.add({}, snapshot.agent.sync.duration);
    return std::move(family).take();
}

MetricFamily source_objects(const Snapshot& snapshot) {
    auto family = Family::gauge("directfaas_source_objects", "Objects of a source in force.");
    for (const auto& source : snapshot.agent.sources) {
        family.add({{"source", source.name}}, static_cast<double>(source.objects));
    }
    return std::move(family).take();
}

MetricFamily source_problems(const Snapshot& snapshot) {
    auto family =
        Family::gauge("directfaas_source_problems", "What has to be mended in a source's objects.");
    for (const auto& source : snapshot.agent.sources) {
        family.add({{"source", source.name}, {"severity", "error"}},
                   static_cast<double>(source.errors));
        family.add({{"source", source.name}, {"severity", "warning"}},
                   static_cast<double>(source.warnings));
    }
    return std::move(family).take();
}

MetricFamily pods(const Snapshot& snapshot) {
    auto family = Family::gauge("directfaas_pods",
                                "Pods of this node that are part of a chain, by whether the "
                                "switch is attached to their interface.");
    family.add({{"attached", "true"}}, static_cast<double>(snapshot.agent.attached_pods));
    family.add({{"attached", "false"}}, static_cast<double>(snapshot.agent.unattached_pods));
    return std::move(family).take();
}

MetricFamily build_info(const Snapshot& snapshot) {
    auto family = Family::gauge("directfaas_build_info", "Always 1; version and backend.");
    family.add({{"version", snapshot.agent.version}, {"backend", snapshot.agent.backend}}, 1);
    return std::move(family).take();
}

std::vector<MakeFamily> process_families() {
    return {
        [](const Snapshot&) {
            return single_gauge("process_resident_memory_bytes", "Memory of the agent in RAM.",
                                read_process().resident_bytes);
        },
        [](const Snapshot&) {
            return single_counter("process_cpu_seconds_total", "CPU time of the agent.",
                                  read_process().cpu_seconds);
        },
        [](const Snapshot&) {
            return single_gauge("process_start_time_seconds", "When the agent was started.",
                                read_process().start_time);
        },
    };
}

}  // namespace

std::vector<MakeFamily> agent_families() {
    std::vector<MakeFamily> families{
        build_info,
        last_success,
        sync_duration,
        [](const Snapshot& s) {
            return single_gauge("directfaas_in_sync",
                                "1 while all wanted rules are in force, else 0.",
                                s.agent.sync.in_sync ? 1 : 0);
        },
        [](const Snapshot& s) {
            return single_counter("directfaas_sync_failures_total",
                                  "Changes that the backend refused.",
                                  static_cast<double>(s.agent.sync.failures));
        },
        [](const Snapshot& s) {
            return single_counter("directfaas_resyncs_total",
                                  "Full comparisons with what is installed, after a failure.",
                                  static_cast<double>(s.agent.sync.resyncs));
        },
        [](const Snapshot& s) {
            return single_counter("directfaas_drift_repairs_total",
                                  "Periodic comparisons that found rules changed by others.",
                                  static_cast<double>(s.agent.sync.drifts));
        },
        source_objects,
        source_problems,
        pods,
    };
    const auto process = process_families();
    families.insert(families.end(), process.begin(), process.end());
    return families;
}

}  // namespace directfaas::status
