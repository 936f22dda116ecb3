// SPDX-License-Identifier: Apache-2.0
// All calls of the hold queue, found by flow, and what they cost.
#pragma once

#include <list>
#include <map>

#include "agent/hold/call.h"
#include "agent/hold/hold_queue.h"

namespace directfaas::hold {

/// Stores and counts; decides only what the limits allow.
class CallTable {
   public:
    explicit CallTable(const HoldOptions& options);

    Call* find(const CallKey& key);
    [[nodiscard]] std::map<CallKey, Call>& all() { return calls_; }

    /// Whether a new call with this first packet is within the limits.
    [[nodiscard]] bool fits(const backend::HeldPacket& packet) const;
    /// A new call in state kPaused, without a line.
    Call& add(backend::HeldPacket packet);
    void erase(Call& call);

    /// Adds what came later: for TCP the packet replaces the earlier one (a retransmission, or a
    /// new connection from the same port), for UDP it is appended. False if a limit forbids it.
    bool append(Call& call, backend::HeldPacket packet);
    void remove_packets(Call& call, std::size_t count);

    /// Moves a call between the held ones and those sent on, in either direction.
    void set_state(Call& call, CallState state);
    /// The oldest call sent on, if there are more of them than may be kept.
    [[nodiscard]] Call* surplus() const;

    /// Held now, without those sent on.
    [[nodiscard]] const std::map<model::Identity, std::size_t>& by_function() const {
        return by_function_;
    }
    [[nodiscard]] std::size_t sources() const { return from_sources_.calls; }
    [[nodiscard]] std::size_t bytes() const;

   private:
    struct Pool {
        std::size_t max_calls;
        std::size_t max_bytes;
        std::size_t calls = 0;
        std::size_t bytes = 0;
    };
    Pool& pool(const Call& call);
    void account(const Call& call, int sign);
    void set_bytes(Call& call, std::size_t bytes);

    const HoldOptions& options_;
    std::map<CallKey, Call> calls_;
    std::list<Call*> sent_;  // oldest first
    Pool to_functions_;
    Pool from_sources_;
    Pool sent_on_;
    std::map<model::Identity, std::size_t> by_function_;
};

}  // namespace directfaas::hold
