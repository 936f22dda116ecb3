// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next try: longer each time, never quite the same, so that the agents
// of many nodes do not come back in step.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace directfaas::util {

struct BackoffOptions {
    std::chrono::milliseconds first{};
    std::chrono::milliseconds max{};
    double jitter = 0.2;  ///< each wait is 1 to 1 + jitter times as long
    std::optional<std::chrono::milliseconds> calm{};  ///< without trouble: the next wait is `first`
};

/// Of one thread.
class Backoff {
   public:
    using Clock = std::chrono::steady_clock;

    Backoff(BackoffOptions options, std::uint64_t seed)
        : options_(options), next_(options.first), random_(seed) {}

    /// The next wait: doubles from `first` to `max`, times the jitter.
    std::chrono::milliseconds next(Clock::time_point now = Clock::now()) {
        return next_up_to(options_.max, now);
    }
    /// As next(), with a limit of this time alone.
    std::chrono::milliseconds next_up_to(std::chrono::milliseconds max,
                                         Clock::time_point now = Clock::now()) {
        if (options_.calm && now - last_ > *options_.calm) {
            reset();
        }
        last_ = now;
        const auto wait = std::min(next_, max);
        next_ = std::min(wait * 2, options_.max);
        const double factor =
            1 + std::uniform_real_distribution<double>(0, options_.jitter)(random_);
        return std::chrono::ceil<std::chrono::milliseconds>(
            std::chrono::duration<double, std::milli>(wait) * factor);
    }
    void reset() { next_ = options_.first; }

   private:
    BackoffOptions options_;
    std::chrono::milliseconds next_;
    Clock::time_point last_;
    std::mt19937_64 random_;
};

}  // namespace directfaas::util
