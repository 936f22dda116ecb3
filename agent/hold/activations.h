// SPDX-License-Identifier: Apache-2.0
// When to start an instance: once per function and empty episode, with a pause that grows while
// it does not help.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "agent/hold/activator.h"
#include "lib/util/event_loop.h"

namespace directfaas::hold {

class Activations {
   public:
    struct Options {
        std::chrono::milliseconds wait;       // for a started instance to become ready
        std::chrono::milliseconds retry;      // least time between two starts; doubles ...
        std::chrono::milliseconds retry_max;  // ... up to this
    };
    /// Whether calls wait for an instance of the function, and it has none.
    using Wanted = std::function<bool(const model::Identity&)>;

    /// `activator` may be null: then nothing is ever started.
    Activations(util::EventLoop& loop, Activator* activator, Options options, Wanted wanted);
    Activations(const Activations&) = delete;
    Activations& operator=(const Activations&) = delete;
    ~Activations();

    /// A call waits for an instance of the function, and it has none.
    void need(const model::Identity& function);
    /// The function has an instance: the episode is over.
    void has_instance(const model::Identity& function);

    [[nodiscard]] std::uint64_t started() const { return started_; }
    [[nodiscard]] std::uint64_t failed() const { return failed_; }

   private:
    using Clock = std::chrono::steady_clock;
    /// Lives from the first need until nobody wants an instance and none is being started.
    struct Episode {
        bool running = false;   // the activator has not answered yet
        bool answered = false;  // an instance came meanwhile
        Clock::time_point begun;
        std::chrono::milliseconds pause{};   // until the next start, at least
        util::EventLoop::TimerId timer = 0;  // looks again whether one is wanted
    };

    void start(const model::Identity& function, Episode& episode);
    void done(const model::Identity& function, const util::Result<void>& result);
    void look_again(const model::Identity& function, Episode& episode,
                    std::chrono::nanoseconds delay);

    util::EventLoop& loop_;
    Activator* activator_;
    Options options_;
    Wanted wanted_;
    std::map<model::Identity, Episode> episodes_;
    std::uint64_t started_ = 0;
    std::uint64_t failed_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // an answer may come too late
};

}  // namespace directfaas::hold
