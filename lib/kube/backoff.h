// SPDX-License-Identifier: Apache-2.0
// Waits that double, spread so that the nodes of a cluster do not come back in step, and that
// start anew after a time without trouble.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace directfaas::kube {

struct BackoffOptions {
    std::chrono::milliseconds first{800};
    std::chrono::milliseconds max{30000};
    std::chrono::milliseconds calm{120000};
    double jitter = 1.0;  // each wait is 1 to 1 + jitter times as long
};

class Backoff {
   public:
    using Clock = std::chrono::steady_clock;

    Backoff(BackoffOptions options, std::uint64_t seed)
        : options_(options), next_(options.first), random_(seed) {}

    std::chrono::milliseconds next(Clock::time_point now = Clock::now()) {
        if (now - last_ > options_.calm) {
            next_ = options_.first;
        }
        const double factor =
            1 + std::uniform_real_distribution<double>(0, options_.jitter)(random_);
        const auto wait = std::chrono::duration<double, std::milli>(next_) * factor;
        next_ = std::min(next_ * 2, options_.max);
        last_ = now;
        return std::chrono::ceil<std::chrono::milliseconds>(wait);
    }

   private:
    BackoffOptions options_;
    std::chrono::milliseconds next_;
    Clock::time_point last_;
    std::mt19937_64 random_;
};

}  // namespace directfaas::kube
