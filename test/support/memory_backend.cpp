// SPDX-License-Identifier: Apache-2.0
#include "test/support/memory_backend.h"

#include <sys/eventfd.h>

#include <algorithm>

namespace directfaas::support {

MemoryBackend::MemoryBackend() : event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

util::Result<void> MemoryBackend::apply(const model::RuleDelta& delta) {
    if (failures_left_ > 0) {
        --failures_left_;
        ++failed_applies;
        return std::unexpected(apply_error_);
    }
    if (refused_route_ && delta.routes.contains(*refused_route_)) {
        ++failed_applies;
        return util::fail("table full");
    }
    model::apply(delta, rules);
    applied.push_back(delta);
    const std::scoped_lock lock(counters_mutex_);
    edges_.assign(rules.allowed.begin(), rules.allowed.end());
    functions_.clear();
    for (const auto& [identity, rule] : rules.identities) {
        if (identity.kind == model::IdentityKind::kFunction) {
            functions_.push_back(identity);
        }
    }
    return {};
}

util::Result<model::RuleSet> MemoryBackend::dump() {
    ++dumps;
    if (dump_error_) {
        return std::unexpected(*dump_error_);
    }
    return rules;
}

util::Result<backend::Counters> MemoryBackend::counters() {
    const std::scoped_lock lock(counters_mutex_);
    auto counters = counters_;
    for (const auto& edge : edges_) {
        counters.edges.try_emplace(edge);
    }
    for (const auto& function : functions_) {
        counters.functions.try_emplace(function);
    }
    for (int reason = 0; reason < DF_REASON_MAX && counters_.drops.empty(); ++reason) {
        for (int hook = 0; hook < DF_HOOK_MAX; ++hook) {
            counters.drops.push_back(
                {static_cast<df_reason>(reason), static_cast<df_hook>(hook), 0, 0});
        }
    }
    return counters;
}

void MemoryBackend::drain(const backend::EventSink& sink) {
    eventfd_t ignored = 0;
    eventfd_read(event_fd_.get(), &ignored);
    while (!reports_.empty()) {
        auto report = std::move(reports_.front());
        reports_.pop_front();
        if (auto* event = std::get_if<backend::FlowEvent>(&report)) {
            sink.flow(*event);
        } else {
            sink.held(std::get<backend::HeldPacket>(std::move(report)));
        }
    }
}

util::Result<void> MemoryBackend::replay(const backend::HeldPacket& packet,
                                         backend::ReplayAction action) {
    if (replay_error_) {
        return std::unexpected(*replay_error_);
    }
    replays.emplace_back(packet, action);
    return {};
}

util::Result<void> MemoryBackend::configure(const backend::Settings& wanted) {
    settings = wanted;
    return {};
}

util::Result<void> MemoryBackend::sweep() {
    ++sweeps;
    return {};
}

std::vector<std::string> MemoryBackend::installed(const model::AllowKey& edge,
                                                  const std::vector<model::RouteKey>& routes) {
    std::vector<std::string> lines;
    if (rules.allowed.contains(edge)) {
        lines.push_back("allow " + edge.from.text() + " -> " + edge.to.text());
    }
    for (const auto& route : routes) {
        if (rules.routes.contains(route)) {
            lines.push_back("route " + route.text());
        }
    }
    return lines;
}

util::Result<void> MemoryBackend::remove() {
    if (remove_error_) {
        return std::unexpected(*remove_error_);
    }
    rules = {};
    removed = true;
    return {};
}

void MemoryBackend::emit(backend::FlowEvent event) {
    reports_.emplace_back(std::move(event));
    eventfd_write(event_fd_.get(), 1);
}

void MemoryBackend::emit(backend::HeldPacket packet) {
    reports_.emplace_back(std::move(packet));
    eventfd_write(event_fd_.get(), 1);
}

void MemoryBackend::set_counters(backend::Counters counters) {
    const std::scoped_lock lock(counters_mutex_);
    counters_ = std::move(counters);
}

void MemoryBackend::fail_applies(std::size_t count, util::Error error) {
    failures_left_ = count;
    apply_error_ = std::move(error);
}

}  // namespace directfaas::support
