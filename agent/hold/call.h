// SPDX-License-Identifier: Apache-2.0
// A held call, and the line of calls that wait for the same thing.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "agent/backend/backend.h"
#include "lib/model/rules.h"
#include "lib/util/event_loop.h"

namespace directfaas::hold {

using Clock = std::chrono::steady_clock;

/// The same flow is a different call at another interface.
struct CallKey {
    unsigned ifindex = 0;
    backend::FlowTuple flow;

    auto operator<=>(const CallKey&) const = default;
};

enum class CallState : std::uint8_t {
    kPaused,   // new, or between two tries
    kWaiting,  // for the line to open
    kSent,     // was sent on; kept until that is known to have worked
};

struct Line;
struct Call {
    CallKey key;
    backend::HeldPacket::Kind kind{};
    model::Identity from;
    model::Identity to;
    std::vector<backend::HeldPacket> packets;  // TCP: the SYN; UDP: datagrams in order
    std::size_t bytes = 0;                     // of frames
    CallState state = CallState::kPaused;
    Clock::time_point taken;
    Clock::time_point deadline;
    Clock::time_point sent;             // last time
    std::chrono::milliseconds pause{};  // before the next try
    bool replayed = false;              // once at least
    util::EventLoop::TimerId timer = 0;
    std::shared_ptr<Line> line;
    std::list<Call*>::iterator place;  // in the line if kWaiting, among the sent if kSent

    [[nodiscard]] bool is_tcp() const { return key.flow.protocol == IPPROTO_TCP; }
    [[nodiscard]] bool is_source() const {
        return kind == backend::HeldPacket::Kind::kUnknownSource;
    }
};

/// What calls wait for: an instance behind a vIP, or a source to become known.
using Awaited = std::variant<model::RouteKey, util::IpAddress>;

struct Line {
    Awaited awaited;
    model::Identity function;                    // the route's
    std::list<Call*> waiting;                    // in order of arrival
    std::size_t calls = 0;                       // in any state
    bool open = false;                           // calls may be sent on
    std::optional<model::RouteEndpoint> proven;  // the reason why a route's line is open
    Clock::time_point opened;
    util::EventLoop::TimerId pump = 0;  // goes on with a long line in the next turn
};

}  // namespace directfaas::hold
