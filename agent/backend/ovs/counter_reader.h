// SPDX-License-Identifier: Apache-2.0
// Reads what the switch has counted, over a connection of its own: with many functions or
// connections that takes a tenth of a second, and no change of the rules has to wait for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "agent/backend/ovs/bridge.h"
#include "agent/backend/ovs/counting.h"

namespace directfaas::backend::ovs {

/// Any thread may call it; one reads at a time.
class CounterReader {
   public:
    explicit CounterReader(BridgeOptions options) : bridge_(std::move(options)) {}

    struct Read {
        std::vector<FoundFlow> flows;
        OpenConnections open;
        std::uint64_t held_lost = 0;      // calls to be held that the meter dropped
        std::chrono::nanoseconds busy{};  // how long ovs-vswitchd was kept busy with the flows
    };
    /// What the connection tracker has is text, one line a connection: it is read only when
    /// somebody wants to know.
    enum class Connections : std::uint8_t { kLeaveOut, kRead };
    util::Result<Read> read(Connections connections);

   private:
    std::mutex mutex_;
    Bridge bridge_;
    CountingFlows flows_;
};

}  // namespace directfaas::backend::ovs
