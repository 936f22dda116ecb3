// SPDX-License-Identifier: Apache-2.0
// Turns an event loop by hand until something is true.
#pragma once

#include "lib/util/event_loop.h"
#include "test/support/wait.h"

namespace directfaas::agent_test {

/// Returns what `condition` said last; gives up after support::kPatience.
template <typename Condition>
bool pump_until(util::EventLoop& loop, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + support::kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) {
            return false;
        }
        if (!loop.run_once(std::chrono::milliseconds(5))) {
            return false;
        }
    }
    return true;
}

/// Does what is due now, timers of the future not included.
inline void pump(util::EventLoop& loop) {
    bool turned = false;
    loop.post([&turned] { turned = true; });
    pump_until(loop, [&turned] { return turned; });
}

}  // namespace directfaas::agent_test
