// SPDX-License-Identifier: Apache-2.0
// Families of calls to functions without an instance: hold, replay, activation.
#include "agent/status/families.h"
#include "agent/status/metrics.h"

namespace directfaas::status {
namespace {

using prometheus::MetricFamily;

MetricFamily by_outcome(const std::map<std::string, std::uint64_t>& outcomes, const char* name,
                        const char* help) {
    auto family = Family::counter(name, help);
    for (const auto& [outcome, count] : outcomes) {
        family.add({{"outcome", outcome}}, static_cast<double>(count));
    }
    return std::move(family).take();
}

MetricFamily waiting(const Snapshot& snapshot) {
    auto family = Family::gauge("directfaas_hold_calls", "Calls to the function held now.");
    for (const auto& [function, counters] : snapshot.counters.functions) {
        const auto found = snapshot.agent.hold.waiting.find(function);
        const auto count = found == snapshot.agent.hold.waiting.end() ? 0 : found->second;
        family.add({{"function_namespace", function.name.ns}, {"function", function.name.name}},
                   static_cast<double>(count));
    }
    return std::move(family).take();
}

MetricFamily histogram(const HistogramFigures& figures, const char* name, const char* help) {
    auto family = Family::histogram(name, help);
    family.add({}, figures);
    return std::move(family).take();
}

MetricFamily counter(std::uint64_t value, const char* name, const char* help) {
    return single_counter(name, help, static_cast<double>(value));
}

MetricFamily gauge(std::size_t value, const char* name, const char* help) {
    return single_gauge(name, help, static_cast<double>(value));
}

std::vector<MakeFamily> queue_families() {
    return {
        waiting,
        [](const Snapshot& s) {
            return counter(s.agent.hold.held, "directfaas_held_calls_total",
                           "Calls held because their function had no instance.");
        },
        [](const Snapshot& s) {
            return counter(s.agent.hold.held_again, "directfaas_held_again_calls_total",
                           "Replayed calls held once more: the instance was gone again.");
        },
        [](const Snapshot& s) {
            return by_outcome(s.agent.hold.calls, "directfaas_hold_outcomes_total",
                              "Held calls that left the queue, by how.");
        },
        [](const Snapshot& s) {
            return by_outcome(s.agent.hold.sources, "directfaas_hold_source_outcomes_total",
                              "Calls held because nobody knew their source, by what came of it.");
        },
        [](const Snapshot& s) {
            return gauge(s.agent.hold.sources_waiting, "directfaas_hold_source_calls",
                         "Calls held now because nobody knows their source.");
        },
        [](const Snapshot& s) {
            return gauge(s.agent.hold.bytes, "directfaas_hold_bytes", "Bytes of held frames.");
        },
        [](const Snapshot& s) {
            return counter(s.agent.hold.retransmits, "directfaas_hold_retransmits_total",
                           "Retransmissions of calls that were held already.");
        },
        [](const Snapshot& s) {
            return counter(s.agent.hold.datagrams_dropped,
                           "directfaas_hold_dropped_datagrams_total",
                           "Datagrams of held flows beyond the limit of one flow.");
        },
        [](const Snapshot& s) {
            return histogram(s.agent.hold.waited, "directfaas_hold_wait_seconds",
                             "From a call's first packet to its first replay.");
        },
    };
}

std::vector<MakeFamily> replay_families() {
    return {
        [](const Snapshot& s) {
            return histogram(s.agent.hold.listening_to_replay, "directfaas_replay_delay_seconds",
                             "From the proof that an instance listens to the replay.");
        },
        [](const Snapshot& s) {
            return counter(s.agent.hold.replay_failures, "directfaas_replay_failures_total",
                           "Replays that could not be sent; they were tried again.");
        },
        [](const Snapshot& s) {
            return counter(s.agent.hold.replays_reset, "directfaas_replay_resets_total",
                           "Replays sent again because the instance reset the call.");
        },
        [](const Snapshot& s) {
            return counter(s.agent.hold.port_probes, "directfaas_port_probes_total",
                           "Attempts to prove that an instance listens.");
        },
        [](const Snapshot& s) {
            return by_outcome(s.agent.hold.activations, "directfaas_activations_total",
                              "Activations that ended, by how.");
        },
        [](const Snapshot& s) {
            return gauge(s.agent.hold.activations_running, "directfaas_activations_running",
                         "Activator programs running now.");
        },
        [](const Snapshot& s) {
            return gauge(s.agent.hold.activations_queued, "directfaas_activations_queued",
                         "Activations waiting for their turn.");
        },
        [](const Snapshot& s) {
            return histogram(s.agent.hold.activation_duration,
                             "directfaas_activation_duration_seconds",
                             "How long the activator program ran.");
        },
    };
}

}  // namespace

std::vector<MakeFamily> hold_families() {
    auto families = queue_families();
    const auto replay = replay_families();
    families.insert(families.end(), replay.begin(), replay.end());
    return families;
}

}  // namespace directfaas::status
