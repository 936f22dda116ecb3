// SPDX-License-Identifier: Apache-2.0
// What an agent's eBPF switch would do with a call, asked without a packet on a wire.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "lib/util/unique_fd.h"
#include "test/support/agent_process.h"

namespace directfaas::bench {

/// Host side of the veth of function 0's first pod.
std::string caller_interface(unsigned ns);
/// Makes the veth in `node`.
void add_caller(const support::Netns& node, unsigned ns);

/// Asked in the network namespace of the agent's node.
class AskedSwitch {
   public:
    /// The agent must have made its switch. Throws std::runtime_error.
    explicit AskedSwitch(const support::AgentProcess& agent);

    /// Whether a SYN of function 0's pod to `function` passes its veth (BPF_PROG_TEST_RUN).
    [[nodiscard]] bool passes(unsigned ns, unsigned function) const;
    /// How many instances the route of the function's vIP has; 0 also if there is no route.
    [[nodiscard]] unsigned instances(unsigned ns, unsigned function) const;

   private:
    util::UniqueFd from_pod_;
    util::UniqueFd vip_;
};

/// Asks until a change is in force, with `pause` between, and returns when it was. Throws
/// std::runtime_error after ten seconds.
template <typename Changed>
std::chrono::steady_clock::time_point when(Changed changed, std::chrono::microseconds pause = {}) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::seconds kPatience{10};
    const auto start = Clock::now();
    while (!changed()) {
        if (Clock::now() - start > kPatience) {
            throw std::runtime_error("a change was not in force within 10 s");
        }
        if (pause.count() > 0) {
            std::this_thread::sleep_for(pause);
        }
    }
    return Clock::now();
}

inline double ms_between(std::chrono::steady_clock::time_point from,
                         std::chrono::steady_clock::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace directfaas::bench
