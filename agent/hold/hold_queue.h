// SPDX-License-Identifier: Apache-2.0
// Keeps the first packet of a call that cannot be delivered yet, and sends it on when it can be.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/backend/backend.h"
#include "agent/hold/activator.h"
#include "agent/hold/histogram.h"
#include "lib/model/rules.h"
#include "lib/util/event_loop.h"

namespace directfaas::hold {

struct HoldOptions {
    std::chrono::milliseconds deadline{30000};  // from the first packet; then the call is refused
    std::size_t max_per_function = 1024;        // calls
    std::size_t max_total = 8192;               // calls
    std::size_t max_bytes = 16 << 20;           // of frames
    std::size_t max_datagrams = 16;             // of one UDP flow; more are dropped

    std::chrono::milliseconds source_wait{1000};  // for an unknown source to become known
    std::size_t max_sources = 1024;               // calls from unknown sources
    std::size_t max_source_bytes = 2 << 20;

    std::chrono::milliseconds probe_period{1};     // between port proofs of one endpoint
    std::size_t probes_per_second = 4000;          // of all endpoints, about
    std::chrono::milliseconds probe_timeout{200};  // of one proof
    std::size_t max_probes = 64;                   // at once

    std::chrono::milliseconds confirm{3000};  // without a reset a replayed call counts as delivered
    std::chrono::milliseconds retry_first{5};  // after a reset; doubles up to retry_max
    std::chrono::milliseconds retry_max{100};

    std::chrono::milliseconds recheck{
        1000};  // of all waiting calls, should a delta have missed one

    std::chrono::milliseconds activation_wait{30000};  // for a started instance to become ready
    std::chrono::milliseconds activation_retry{500};   // after a failure; doubles up to ..._max
    std::chrono::milliseconds activation_retry_max{10000};
};

/// Since start but for `..._now`. A call is one TCP connection attempt or one UDP flow.
struct HoldCounters {
    std::uint64_t held = 0;               // calls kept because their function had no instance
    std::uint64_t duplicate = 0;          // retransmissions of a call that is kept
    std::uint64_t replayed = 0;           // calls sent on, first time only
    std::uint64_t reset_retried = 0;      // sent again because the instance had reset the call
    std::uint64_t held_again = 0;         // came back from the switch: the instance was gone again
    std::uint64_t expired = 0;            // refused: deadline
    std::uint64_t overflowed = 0;         // refused: a limit was reached
    std::uint64_t removed = 0;            // refused: function or vIP no longer exists
    std::uint64_t datagrams_dropped = 0;  // beyond max_datagrams
    std::uint64_t replay_failed = 0;      // the backend could not send; tried again

    std::uint64_t source_held = 0;        // calls kept because nobody knew their source
    std::uint64_t source_resolved = 0;    // judged again
    std::uint64_t source_denied = 0;      // refused: still unknown after source_wait
    std::uint64_t source_overflowed = 0;  // refused: a limit was reached

    std::uint64_t activations = 0;
    std::uint64_t activations_failed = 0;  // of those; timeouts included
    std::uint64_t probes = 0;              // port proofs tried

    std::map<model::Identity, std::size_t> held_now;  // by function; only those with any
    std::size_t sources_held_now = 0;
    std::size_t bytes_now = 0;
    Histogram waited;               // first packet to first replay
    Histogram listening_to_replay;  // port proven (or endpoint known) to first replay
};

/// A call that was held, or was to be, and was refused because no instance took it.
struct GivenUp {
    model::Identity from;
    model::Identity to;
    std::string why;
};

/// All on the loop's thread. Packets that are held when the agent ends are lost; the callers'
/// retransmissions are held anew.
class HoldQueue {
   public:
    /// `activator` may be null: then somebody else starts instances. All must outlive the queue.
    HoldQueue(util::EventLoop& loop, backend::Backend& backend, Activator* activator,
              HoldOptions options);
    HoldQueue(const HoldQueue&) = delete;
    HoldQueue& operator=(const HoldQueue&) = delete;
    ~HoldQueue();

    /// Takes what Backend::drain reports.
    void take(backend::HeldPacket packet);

    /// Call after `delta` was applied to the backend; `rules` is the result. The queue reads
    /// `rules` again when packets come: it has to stay at its place until the next call.
    void rules_changed(const model::RuleDelta& delta, const model::RuleSet& rules);

    /// Called with each call that is given up, which may be thousands at once. Must not use the
    /// queue.
    void on_given_up(std::function<void(const GivenUp&)> told);

    [[nodiscard]] HoldCounters counters() const;

   private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace directfaas::hold
