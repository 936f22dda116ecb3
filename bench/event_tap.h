// SPDX-License-Identifier: Apache-2.0
// When an event of the apiserver reached this node: when the last packet of it arrived on the
// agent's own connection, as the kernel's clock tells. A watch of the benchmark's own would not do:
// the apiserver serves watches one after the other, and milliseconds lie between on a busy machine.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "bench/frame_tap.h"

namespace directfaas::bench {

class EventTap {
   public:
    using Clock = std::chrono::system_clock;

    /// Listens to what comes from `server_port` over loopback by the connections that the process
    /// has now. In the namespace of both. Throws std::runtime_error.
    EventTap(pid_t agent, int server_port);

    /// A change is going to be made.
    void begin();
    /// It has been in force since `in_force`.
    void end(Clock::time_point in_force);

    /// ms from event to change, for each, of changes whose events all came by one watch. What an
    /// agent is sent besides comes now and then only: so the watch is the one connection that had
    /// something at every change. Throws std::runtime_error if there is none or more than one.
    [[nodiscard]] std::vector<double> after_event() const;

   private:
    struct Change {
        Clock::time_point in_force;
        std::map<std::uint16_t, Clock::time_point> arrivals;  // the last before it, by connection
    };

    FrameTap tap_;
    std::uint16_t server_port_;
    std::set<std::uint16_t> connections_;  // the agent's ports
    std::vector<Change> changes_;
};

}  // namespace directfaas::bench
