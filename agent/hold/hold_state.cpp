// SPDX-License-Identifier: Apache-2.0
// The life of a call: taken, waiting, sent on, tried again, refused or forgotten.
#include "agent/hold/hold_state.h"

#include <algorithm>
#include <utility>

#include "lib/util/log.h"

namespace directfaas::hold {
namespace {

namespace log = util::log;
using backend::HeldPacket;
using backend::ReplayAction;

/// An instance that has not answered a SYN for so long has not got it, or its answer got lost.
constexpr std::chrono::milliseconds kAnswerPatience{500};

}  // namespace

HoldQueue::State::State(util::EventLoop& event_loop, backend::Backend& switch_backend,
                        Activator* activator, const HoldOptions& hold_options)
    : loop(event_loop),
      backend(switch_backend),
      options(hold_options),
      calls(options),
      proof(loop,
            {options.probe_period, options.probes_per_second, options.probe_timeout,
             options.max_probes},
            [this](const auto& route, const auto& endpoint) {
                const auto line = lines.at(route);  // may end while it is emptied
                open(line, endpoint);
            }),
      activations(loop, activator,
                  {options.activation_wait, options.activation_retry, options.activation_retry_max},
                  [this](const auto& function) { return wants_instance(function); }),
      recheck(loop.every(options.recheck, [this] { refresh_all(); })) {}

HoldQueue::State::~State() {
    loop.cancel(recheck);
    for (const auto& [key, call] : calls.all()) {
        loop.cancel(call.timer);
    }
    for (const auto& [awaited, line] : lines) {
        loop.cancel(line->pump);
    }
}

void HoldQueue::State::take_first(HeldPacket packet) {
    const bool is_source = packet.kind == HeldPacket::Kind::kUnknownSource;
    if (!calls.fits(packet)) {
        ++(is_source ? counters.source_overflowed : counters.overflowed);
        if (log_overflow.due()) {
            log::warning("too many held calls: refused one to {}; {} bytes are held in all",
                         packet.to.text(), calls.bytes());
        }
        refuse_packet(packet);
        if (!is_source) {
            given_up({packet.from, packet.to, "too many calls wait already"});
        }
        return;
    }
    ++(is_source ? counters.source_held : counters.held);
    const auto line = line_for(packet);
    auto& call = calls.add(std::move(packet));
    call.taken = Clock::now();
    call.deadline = call.taken + (is_source ? options.source_wait : options.deadline);
    call.pause = options.retry_first;
    call.line = line;
    ++line->calls;
    wait(call);
}

void HoldQueue::State::take_again(Call& call, HeldPacket packet) {
    // While a try is on its way a second one would only meet the first one's answer.
    const bool under_way = packet.callers_try && call.is_tcp() && call.state == CallState::kSent &&
                           Clock::now() - call.sent < kAnswerPatience;
    const bool kept = calls.append(call, std::move(packet));
    counters.datagrams_dropped += kept ? 0 : 1;
    if (call.state == CallState::kSent && !under_way) {
        ++counters.held_again;
        came_back(call);
    } else if (call.is_tcp()) {
        ++counters.duplicate;
    }
}

void HoldQueue::State::take_reset(const CallKey& key) {
    Call* call = calls.find(key);
    if (call != nullptr && call->state == CallState::kSent) {
        ++counters.reset_retried;
        came_back(*call);
    }
}

void HoldQueue::State::wait(Call& call) {
    const auto line = call.line;
    calls.set_state(call, CallState::kWaiting);
    call.place = line->waiting.insert(line->waiting.end(), &call);
    set_timer(call, call.deadline - Clock::now(), &State::give_up);
    if (line->open && line->pump == 0) {
        pump(line);
    } else if (!line->open && line->waiting.size() == 1) {
        refresh(line);  // later calls of a line find it as the first one left it
    }
}

void HoldQueue::State::send(Call& call) {
    leave_line(call);
    std::size_t sent = 0;
    while (sent < call.packets.size()) {
        if (const auto done = backend.replay(call.packets[sent], ReplayAction::kJudge); !done) {
            if (log_failure.due()) {
                log::warning(
                    "sending on a held call of {} to {} failed, it will be tried again: {}",
                    call.from.text(), call.to.text(), done.error().text());
            }
            break;
        }
        ++sent;
    }
    const bool all = sent == call.packets.size();
    if (!call.is_tcp()) {
        calls.remove_packets(call, sent);  // nobody reports their fate
    }
    if (!all) {
        ++counters.replay_failed;
        retry(call);
        return;
    }
    count_first_replay(call);
    calls.set_state(call, CallState::kSent);
    call.sent = Clock::now();
    set_timer(call, options.confirm, &State::forget);
    while (Call* oldest = calls.surplus()) {
        forget(*oldest);
    }
}

/// A call that was sent on is here again: reset by its instance, or held by the switch once more.
void HoldQueue::State::came_back(Call& call) {
    if (call.line->open) {
        retry(call);
    } else {
        wait(call);
    }
}

void HoldQueue::State::retry(Call& call) {
    calls.set_state(call, CallState::kPaused);
    const std::chrono::nanoseconds left = call.deadline - Clock::now();
    set_timer(call, std::min<std::chrono::nanoseconds>(call.pause, left), &State::try_again);
    call.pause = std::min(call.pause * 2, options.retry_max);
}

void HoldQueue::State::try_again(Call& call) {
    if (Clock::now() >= call.deadline) {
        give_up(call);
    } else if (call.line->open) {
        send(call);
    } else {
        wait(call);
    }
}

std::string HoldQueue::State::why_not_sent(const Call& call) const {
    const auto* route = std::get_if<model::RouteKey>(&call.line->awaited);
    if (route == nullptr) {
        return "no pod is known with its source address";
    }
    const auto failure = proof.failure(*route);
    return ready(*route).empty() ? "no instance became ready"
           : failure.empty()     ? "no instance answered"
                                 : "the instance does not listen: " + failure;
}

void HoldQueue::State::give_up(Call& call) {
    const auto why = why_not_sent(call);
    if (log_expiry.due()) {
        log::warning("gave up a held call of {} to {}, {} → {}: {}", call.from.text(),
                     call.to.text(), call.key.flow.source.text(),
                     util::endpoint_text(call.key.flow.destination, call.key.flow.destination_port),
                     why);
    }
    if (!call.is_source()) {
        given_up({call.from, call.to, why});
    }
    refuse(call, call.is_source() ? counters.source_denied : counters.expired);
}

void HoldQueue::State::refuse(Call& call, std::uint64_t& counter) {
    ++counter;
    for (const auto& packet : call.packets) {
        refuse_packet(packet);
    }
    forget(call);
}

void HoldQueue::State::forget(Call& call) {
    loop.cancel(call.timer);
    leave_line(call);
    const auto line = call.line;
    calls.erase(call);
    if (--line->calls == 0) {
        erase(*line);
    }
}

void HoldQueue::State::leave_line(Call& call) {
    if (call.state == CallState::kWaiting) {
        call.line->waiting.erase(call.place);
        calls.set_state(call, CallState::kPaused);
    }
}

void HoldQueue::State::count_first_replay(Call& call) {
    if (std::exchange(call.replayed, true)) {
        return;
    }
    if (call.is_source()) {
        ++counters.source_resolved;
        return;
    }
    ++counters.replayed;
    const auto now = Clock::now();
    counters.waited.observe(now - call.taken);
    if (call.line->proven) {
        counters.listening_to_replay.observe(now - std::max(call.line->opened, call.taken));
    }
}

void HoldQueue::State::set_timer(Call& call, std::chrono::nanoseconds delay,
                                 void (State::*then)(Call&)) {
    loop.cancel(call.timer);
    call.timer = loop.after(std::max(delay, std::chrono::nanoseconds::zero()),
                            [this, &call, then] { (this->*then)(call); });
}

void HoldQueue::State::refuse_packet(const HeldPacket& packet) {
    if (!backend.replay(packet, ReplayAction::kRefuse)) {
        ++counters.replay_failed;  // the caller's interface is gone, or it will time out
    }
}

}  // namespace directfaas::hold
