// SPDX-License-Identifier: Apache-2.0
// `detach all`: lets open connections end, then takes the instance out of the kernel.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "agent/control/agent_access.h"
#include "agent/control/answers.h"
#include "lib/util/event_loop.h"

namespace directfaas::control {

/// Connections that are open now, by the larger of the two ways to count them.
std::uint64_t open_connections(const backend::Counters& counters);

class Removal {
   public:
    using Done = std::function<void(Answer)>;

    Removal(util::EventLoop& loop, AgentAccess& agent);
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;
    ~Removal();

    [[nodiscard]] bool running() const { return timer_.has_value(); }
    /// New connections are left to the stack from now on. Removes when none is open any more or
    /// after `timeout`, and calls `done`; only with an answer, not a refusal, is everything gone.
    void start(std::chrono::milliseconds timeout, Done done);

   private:
    void look();
    void end(Answer answer);

    util::EventLoop& loop_;
    AgentAccess& agent_;
    Done done_;
    std::chrono::steady_clock::time_point deadline_;
    std::optional<util::EventLoop::TimerId> timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // for posted work
};

}  // namespace directfaas::control
