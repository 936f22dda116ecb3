// SPDX-License-Identifier: Apache-2.0
// Packets the switch hands to the agent, and those the agent gives back: refusals are answered
// here, what has to wait and what is to be observed goes on to the agent.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/backend/ovs/frame.h"
#include "agent/backend/ovs/openflow.h"
#include "agent/backend/ovs/state.h"

namespace directfaas::backend::ovs {

struct Found;

class Punts {
   public:
    static util::Result<Punts> create();

    /// Connects, or connects again.
    util::Result<void> open(const std::string& management_socket);
    [[nodiscard]] bool connected() const { return openflow_.connected(); }
    /// Stays the same over reconnections.
    [[nodiscard]] int fd() const { return epoll_.get(); }

    struct Taken {
        std::vector<FlowEvent> events;
        std::vector<HeldPacket> held;
    };
    /// Reads and answers what is there.
    Taken take(const State& state, const Settings& settings);
    /// Puts a packet into the pipeline once more.
    util::Result<void> replay(const State& state, const HeldPacket& packet, ReplayAction action);

    /// Whether a packet was refused in the last seconds, or may have been: what the agent does not
    /// get to see, as with `settings.deny_silently`, counts as possible. The switch counts packets
    /// late, but not that late.
    [[nodiscard]] bool refused_lately(const Settings& settings) const;
    [[nodiscard]] std::uint64_t events_lost() const { return events_lost_; }

   private:
    using Clock = std::chrono::steady_clock;

    void take_one(std::span<const std::uint8_t> message, const State& state, Taken& taken);
    void refuse(const Found& found);
    void hold(const Found& found, HeldPacket::Kind kind, Taken& taken);
    void swallow_reset(const Found& found, Taken& taken);
    void choose_again(const Found& found);
    void tell(const Found& found, df_verdict verdict, Taken& taken);
    void forget(const Found& found);
    /// Whether it goes after another datagram of its flow that was sent on just now.
    bool follows(const HeldPacket& packet);
    bool event_allowed();

    util::UniqueFd epoll_;
    OpenFlow openflow_;
    std::uint32_t event_rate_ = 0;
    std::uint32_t tokens_ = 0;
    Clock::time_point refilled_{};
    Clock::time_point refused_{};  // last time, as far as is known
    std::uint64_t events_lost_ = 0;
    FlowTuple replayed_;  // last
    Clock::time_point replayed_at_{};
};

}  // namespace directfaas::backend::ovs
