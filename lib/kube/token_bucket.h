// SPDX-License-Identifier: Apache-2.0
// So many at once, and then so many in a time.
#pragma once

#include <algorithm>
#include <chrono>

namespace directfaas::kube {

class TokenBucket {
   public:
    using Clock = std::chrono::steady_clock;

    TokenBucket(double burst, std::chrono::duration<double> refill, Clock::time_point now)
        : burst_(burst), refill_(refill), tokens_(burst), filled_(now) {}

    /// True if there was one. `now` must not go back.
    bool take(Clock::time_point now) {
        tokens_ = std::min(burst_, tokens_ + (now - filled_) / refill_);
        filled_ = now;
        const bool there = tokens_ >= 1;
        tokens_ -= there ? 1 : 0;
        return there;
    }

   private:
    double burst_;
    std::chrono::duration<double> refill_;  // time for one
    double tokens_;
    Clock::time_point filled_;
};

}  // namespace directfaas::kube
