// SPDX-License-Identifier: Apache-2.0
// What the parts tell, in the forms that control and status want.
#include <fmt/format.h>

#include <algorithm>

#include "agent/wiring.h"

namespace directfaas {
namespace {

template <typename Histogram>
status::HistogramFigures histogram_figures(const Histogram& histogram) {
    return {{Histogram::kBounds.begin(), Histogram::kBounds.end()},
            {histogram.buckets.begin(), histogram.buckets.end()},
            histogram.sum};
}

std::size_t count_errors(const std::vector<model::Problem>& problems) {
    return static_cast<std::size_t>(std::ranges::count_if(problems, [](const auto& problem) {
        return problem.severity == model::Problem::Severity::kError;
    }));
}

const char* backend_name(BackendKind kind) { return kind == BackendKind::kEbpf ? "ebpf" : "ovs"; }

std::map<std::string, std::uint64_t> activation_outcomes(
    const hold::HoldCounters& held, const std::optional<hold::ExecCounters>& exec) {
    if (exec) {
        return {{"succeeded", exec->succeeded},
                {"failed", exec->failed},
                {"timed_out", exec->timed_out},
                {"not_started", exec->not_started}};
    }
    return {{"succeeded", held.activations - held.activations_failed},
            {"failed", held.activations_failed},
            {"timed_out", 0},
            {"not_started", 0}};
}

}  // namespace

std::vector<std::string> Agent::not_ready() const {
    std::vector<std::string> reasons;
    if (control_->removing()) {
        reasons.emplace_back("this instance is being removed (dfctl detach --all)");
    }
    if (!source_->complete()) {
        const auto found = source_->problems();
        reasons.push_back(fmt::format("not all objects of {} were read yet{}{}", source_place_,
                                      found.empty() ? "" : ": ",
                                      found.empty() ? "" : found.front().message));
    }
    const auto sync = sync_->status();
    if (sync.started && !sync.in_sync) {
        reasons.push_back(fmt::format("not all rules are in force: {}", sync.last_error));
    } else if (!sync.started) {
        reasons.emplace_back("no rules were put in force yet");
    }
    return reasons;
}

std::vector<std::string> Agent::bypasses() const {
    return options_.accept_bypass ? std::vector<std::string>{} : backend_->bypasses();
}

std::vector<model::Problem> Agent::problems() const {
    auto problems = source_->problems();
    const auto warnings = model().warnings();
    problems.insert(problems.end(), warnings.begin(), warnings.end());
    return problems;
}

namespace {

std::string metrics_address(const HttpAddress& http) {
    if (http.port == 0) {
        return "";
    }
    const bool v6 = http.host.contains(':');
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", http.host, v6 ? "]" : "", http.port);
}

}  // namespace

control::Facts Agent::facts() const {
    const auto source_problems = source_->problems();
    control::Facts facts{
        .version = DF_VERSION,
        .instance = options_.instance,
        .backend = backend_name(options_.backend),
        .node = options_.node_name,
        .metrics_address = metrics_address(options_.http),
        .uptime = std::chrono::steady_clock::now() - started_,
        .no_fast_path = no_fast_path(),
        .not_ready = not_ready(),
        .bypasses = bypasses(),
        .sources = {{fmt::format("{} {}", source_kind(), source_place_), source_->object_count(),
                     source_problems.size()}},
        .problems = problems(),
        .held_now = hold_->counters().held_now,
        .unattached = {},
        .since_last_sync = {},
    };
    for (auto& pod : unattached()) {
        facts.unattached.push_back({std::move(pod.pod), std::move(pod.why)});
    }
    if (const auto last = sync_->status().last_success) {
        facts.since_last_sync = std::chrono::system_clock::now() - *last;
    }
    return facts;
}

status::AgentFigures Agent::figures() const {
    const auto sync = sync_->status();
    const auto source_problems = source_->problems();
    const auto errors = count_errors(source_problems);
    return {
        .version = DF_VERSION,
        .backend = backend_name(options_.backend),
        .sync = {.in_sync = sync.in_sync,
                 .last_success =
                     sync.in_sync ? std::chrono::system_clock::now() : sync.last_success,
                 .failures = sync.failed,
                 .resyncs = sync.resyncs,
                 .drifts = sync.drifts,
                 .duration = histogram_figures(sync.duration)},
        .sources = {{source_kind(), source_->object_count(), errors,
                     source_problems.size() - errors}},
        .attached_pods = model().rules().attachments.size(),
        .unattached_pods = unattached().size(),
        .hold = hold_figures(),
    };
}

status::HoldFigures Agent::hold_figures() const {
    const auto held = hold_->counters();
    const auto exec = activator_ ? std::optional(activator_->counters()) : std::nullopt;
    return {
        .calls = {{"replayed", held.replayed},
                  {"expired", held.expired},
                  {"overflowed", held.overflowed},
                  {"removed", held.removed}},
        .sources = {{"resolved", held.source_resolved},
                    {"denied", held.source_denied},
                    {"overflowed", held.source_overflowed}},
        .activations = activation_outcomes(held, exec),
        .held = held.held,
        .held_again = held.held_again,
        .retransmits = held.duplicate,
        .replay_failures = held.replay_failed,
        .replays_reset = held.reset_retried,
        .datagrams_dropped = held.datagrams_dropped,
        .port_probes = held.probes,
        .waiting = held.held_now,
        .sources_waiting = held.sources_held_now,
        .bytes = held.bytes_now,
        .activations_running = exec ? exec->running : 0,
        .activations_queued = exec ? exec->queued : 0,
        .waited = histogram_figures(held.waited),
        .listening_to_replay = histogram_figures(held.listening_to_replay),
        .activation_duration = histogram_figures(exec.value_or(hold::ExecCounters{}).duration),
    };
}

}  // namespace directfaas
