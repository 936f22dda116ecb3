// SPDX-License-Identifier: Apache-2.0
// Waiting for something to become true, instead of sleeping and hoping.
#pragma once

#include <chrono>
#include <thread>

namespace directfaas::support {

/// How long a condition may take before a test fails. Far above what a healthy run needs: a busy
/// machine must not turn a test red.
inline constexpr std::chrono::seconds kPatience{20};

/// Asks `condition` every few milliseconds until it is true or the time is over. Returns what it
/// said last.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::milliseconds patience = kPatience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) {
            return condition();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

}  // namespace directfaas::support
