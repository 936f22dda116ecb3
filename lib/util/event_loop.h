// SPDX-License-Identifier: Apache-2.0
// The process's one event loop: descriptors, timers, signals and work from other threads. All
// callbacks run on the thread that calls run(), so state they own needs no lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::util {

class EventLoop {
   public:
    using Callback = std::function<void()>;
    using FdCallback = std::function<void(std::uint32_t events)>;  // EPOLL* bits
    using TimerId = std::uint64_t;

    static Result<std::unique_ptr<EventLoop>> create();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop();

    /// Watches a descriptor (level-triggered). The caller keeps it open until unwatch().
    Result<void> watch(int fd, std::uint32_t events, FdCallback callback);
    /// Changes the event mask of a watched descriptor.
    Result<void> rewatch(int fd, std::uint32_t events);
    void unwatch(int fd);

    /// Runs `callback` once after `delay`; cancel() before that is safe, also from a callback.
    TimerId after(std::chrono::nanoseconds delay, Callback callback);
    /// Runs `callback` each `period`, the first time up to 250 ms later than that: repeating timers
    /// of one loop wake it together. A late turn does not pile up.
    TimerId every(std::chrono::nanoseconds period, Callback callback);
    void cancel(TimerId id);

    /// Blocks `signals` for the process and delivers them here. Call before threads start.
    Result<void> on_signals(const std::vector<int>& signals, std::function<void(int)> callback);

    /// Queues work from any thread.
    void post(Callback callback);
    /// Runs `function` on the loop's thread and waits for its value. Never call it from that
    /// thread.
    template <typename Function>
    auto call(Function function) -> decltype(function()) {
        auto task =
            std::make_shared<std::packaged_task<decltype(function())()>>(std::move(function));
        auto value = task->get_future();
        post([task] { (*task)(); });
        return value.get();
    }

    /// Runs until stop().
    Result<void> run();
    /// Handles what is ready, waiting at most `timeout`. For tests.
    Result<void> run_once(std::chrono::milliseconds timeout);
    void stop();

   private:
    struct Timer {
        TimerId id;
        std::chrono::nanoseconds period;  // 0: once
        Callback callback;
    };
    using Clock = std::chrono::steady_clock;

    EventLoop() = default;
    TimerId start(Clock::time_point due, std::chrono::nanoseconds period, Callback callback);
    void run_posted();
    void run_timers();
    [[nodiscard]] int wait_ms(std::chrono::milliseconds limit) const;

    UniqueFd epoll_;
    UniqueFd wakeup_;
    UniqueFd signals_;
    bool stopping_ = false;
    TimerId next_timer_ = 1;
    using Timers = std::multimap<Clock::time_point, std::shared_ptr<Timer>>;
    Timers timers_;
    std::unordered_map<TimerId, Timers::iterator> timer_index_;  // cancel() in constant time
    std::map<int, std::shared_ptr<FdCallback>> watched_;
    std::mutex posted_mutex_;
    std::vector<Callback> posted_;  // guarded by posted_mutex_
};

}  // namespace directfaas::util
