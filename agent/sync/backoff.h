// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next try: longer each time, never quite the same, so that the agents
// of many nodes do not come back in step.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace directfaas::sync {

class Backoff {
   public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds max, std::uint64_t seed)
        : first_(first), max_(max), next_(first), random_(seed) {}

    /// The next delay: doubles from `first` to `max`, each spread by ± 20 %.
    std::chrono::milliseconds next() {
        const double spread = std::uniform_real_distribution<double>(0.8, 1.2)(random_);
        const auto delay = std::chrono::duration<double, std::milli>(next_) * spread;
        next_ = std::min(next_ * 2, max_);
        return std::chrono::ceil<std::chrono::milliseconds>(delay);
    }
    void reset() { next_ = first_; }

   private:
    std::chrono::milliseconds first_;
    std::chrono::milliseconds max_;
    std::chrono::milliseconds next_;
    std::mt19937_64 random_;
};

}  // namespace directfaas::sync
