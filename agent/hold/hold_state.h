// SPDX-License-Identifier: Apache-2.0
// What the hold queue decides: when a held call is sent on, tried again or refused.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "agent/hold/activations.h"
#include "agent/hold/call_table.h"
#include "agent/hold/hold_queue.h"
#include "agent/hold/port_proof.h"

namespace directfaas::hold {

/// Keeps a log readable when thousands of calls meet the same fate.
class OncePerSecond {
   public:
    bool due() {
        const auto now = Clock::now();
        if (now < next_) {
            return false;
        }
        next_ = now + std::chrono::seconds(1);
        return true;
    }

   private:
    Clock::time_point next_;
};

struct HoldQueue::State {
    using LinePtr = std::shared_ptr<Line>;  // a loop over a line outlives the line's last call

    State(util::EventLoop& event_loop, backend::Backend& switch_backend, Activator* activator,
          const HoldOptions& hold_options);
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State();

    // Packets.
    void take_first(backend::HeldPacket packet);
    void take_again(Call& call, backend::HeldPacket packet);
    void take_reset(const CallKey& key);

    // Calls. Each of these may end the call.
    void wait(Call& call);
    void send(Call& call);
    void came_back(Call& call);
    void retry(Call& call);
    void try_again(Call& call);
    void give_up(Call& call);
    [[nodiscard]] std::string why_not_sent(const Call& call) const;
    void refuse(Call& call, std::uint64_t& counter);
    void forget(Call& call);

    void leave_line(Call& call);
    void count_first_replay(Call& call);
    void set_timer(Call& call, std::chrono::nanoseconds delay, void (State::*then)(Call&));
    void refuse_packet(const backend::HeldPacket& packet);

    // Lines. Each of these may end calls of the line, and the line with its last call.
    LinePtr line_for(const backend::HeldPacket& packet);
    void refresh(const LinePtr& line);
    void refresh_route(const LinePtr& line, const model::RouteKey& route);
    void open(const LinePtr& line, const std::optional<model::RouteEndpoint>& because);
    void pump(const LinePtr& line);
    void refuse_waiting(const LinePtr& line);
    void erase(const Line& line);

    // Rules.
    void refresh_known(const Awaited& awaited);
    void refresh_all();
    void judge_revoked(const model::AllowKey& edge);
    [[nodiscard]] std::vector<LinePtr> lines_of(const model::Identity& function) const;
    [[nodiscard]] bool wants_instance(const model::Identity& function) const;
    [[nodiscard]] std::vector<model::RouteEndpoint> ready(const model::RouteKey& route) const;

    util::EventLoop& loop;
    backend::Backend& backend;
    const HoldOptions options;
    const model::RuleSet* rules = nullptr;
    HoldCounters counters;
    CallTable calls;
    std::map<Awaited, LinePtr> lines;
    std::set<std::pair<model::Identity, model::RouteKey>> routes_of;  // lines by function
    PortProof proof;
    Activations activations;
    util::EventLoop::TimerId recheck;
    std::function<void(const GivenUp&)> given_up = [](const GivenUp&) {};
    OncePerSecond log_overflow;
    OncePerSecond log_expiry;
    OncePerSecond log_failure;
};

}  // namespace directfaas::hold
