// SPDX-License-Identifier: Apache-2.0
// Looks now and then at how full the switch's tables are and which limits refused packets. On a
// thread of its own: reading all counters takes time that the loop does not have.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "agent/backend/backend.h"

namespace directfaas::cluster_events {

/// What a look found.
struct Limits {
    std::vector<backend::TableUsage> full;            // nine tenths and more of what they can hold
    std::map<df_reason, std::uint64_t> refused_more;  // packets since the look before
};

/// Of the counters alone. `before` is what was counted last, and becomes what is counted now. The
/// first look finds nothing refused: what the counters have is older.
Limits limits_in(const backend::Counters& counters, std::map<df_reason, std::uint64_t>& before);

class LimitsWatch {
   public:
    /// `backend` must outlive the watch.
    LimitsWatch(backend::Backend& backend, std::chrono::milliseconds period);
    LimitsWatch(const LimitsWatch&) = delete;
    LimitsWatch& operator=(const LimitsWatch&) = delete;
    ~LimitsWatch() = default;  // ends the thread

    /// What the last look found, once; nothing: there was no new look. Any thread.
    std::optional<Limits> take();

   private:
    void run(const std::stop_token& stop);

    backend::Backend& backend_;
    std::chrono::milliseconds period_;
    std::map<df_reason, std::uint64_t> counted_;  // of the thread alone

    std::mutex mutex_;  // of all that follows
    std::condition_variable_any stopped_;
    std::optional<Limits> found_;

    std::jthread thread_;  // last: it uses all the others
};

}  // namespace directfaas::cluster_events
