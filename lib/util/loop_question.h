// SPDX-License-Identifier: Apache-2.0
// Asking the loop's thread from another one without ever waiting for it for good: the loop may be
// stalled, or may be the one that waits for us to end.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>

#include "lib/util/event_loop.h"

namespace directfaas::util {

class LoopQuestions {
   public:
    LoopQuestions(EventLoop& loop, std::chrono::milliseconds patience)
        : loop_(loop), patience_(patience) {}

    /// The value of `function`, run on the loop's thread; nothing if that takes too long or
    /// close() was called. `function` must own what it uses, or that must outlive the loop's use.
    template <typename Function>
    auto ask(Function function) const -> std::optional<decltype(function())> {
        using Value = decltype(function());
        auto value = std::make_shared<std::promise<Value>>();
        auto future = value->get_future();
        loop_.post([value, function = std::move(function), closed = closed_] {
            if (!*closed) {
                value->set_value(function());
            }
        });
        const auto end = std::chrono::steady_clock::now() + patience_;
        while (future.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
            if (*closed_ || std::chrono::steady_clock::now() >= end) {
                return std::nullopt;
            }
        }
        return future.get();
    }
    /// Called on the loop's thread: no question is answered from then on.
    void close() { *closed_ = true; }

   private:
    EventLoop& loop_;
    std::chrono::milliseconds patience_;
    std::shared_ptr<std::atomic<bool>> closed_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace directfaas::util
