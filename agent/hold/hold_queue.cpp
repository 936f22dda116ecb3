// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/hold_queue.h"

#include <utility>

#include "agent/hold/hold_state.h"

namespace directfaas::hold {

HoldQueue::HoldQueue(util::EventLoop& loop, backend::Backend& backend, Activator* activator,
                     HoldOptions options)
    : state_(std::make_unique<State>(loop, backend, activator, options)) {}

HoldQueue::~HoldQueue() = default;

void HoldQueue::take(backend::HeldPacket packet) {
    const CallKey key{packet.ifindex, packet.flow};
    if (packet.kind == backend::HeldPacket::Kind::kReset) {
        state_->take_reset(key);
        return;
    }
    Call* call = state_->calls.find(key);
    if (call != nullptr && (call->kind != packet.kind || call->to != packet.to)) {
        state_->forget(*call);  // the interface or the vIP has a new owner
        call = nullptr;
    }
    if (call == nullptr) {
        state_->take_first(std::move(packet));
    } else {
        state_->take_again(*call, std::move(packet));
    }
}

void HoldQueue::rules_changed(const model::RuleDelta& delta, const model::RuleSet& rules) {
    if (std::exchange(state_->rules, &rules) == nullptr) {
        state_->refresh_all();  // the first delta need not tell all there is
        return;
    }
    for (const auto& [route, rule] : delta.routes) {
        if (!state_->ready(route).empty()) {
            state_->activations.has_instance(rule.function);
        }
        state_->refresh_known(route);
    }
    for (const auto& route : delta.routes_removed) {
        state_->refresh_known(route);
    }
    for (const auto& [address, identity] : delta.addresses) {
        state_->refresh_known(address);
    }
    for (const auto& address : delta.addresses_removed) {
        state_->refresh_known(address);
    }
    for (const auto& edge : delta.revoked) {
        state_->judge_revoked(edge);
    }
}

void HoldQueue::on_given_up(std::function<void(const GivenUp&)> told) {
    state_->given_up = std::move(told);
}

HoldCounters HoldQueue::counters() const {
    HoldCounters out = state_->counters;
    out.activations = state_->activations.started();
    out.activations_failed = state_->activations.failed();
    out.probes = state_->proof.attempts();
    out.held_now = state_->calls.by_function();
    out.sources_held_now = state_->calls.sources();
    out.bytes_now = state_->calls.bytes();
    return out;
}

}  // namespace directfaas::hold
