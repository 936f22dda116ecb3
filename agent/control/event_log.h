// SPDX-License-Identifier: Apache-2.0
// Flow events on their way to observers: the latest are remembered, followers get theirs at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/control/answers.h"

namespace directfaas::control {

/// Which events an observer wants; what is not set matches all.
struct EventFilter {
    std::optional<df_verdict> verdict;
    std::optional<df_reason> reason;
    std::string from;  // "name", "namespace/name" or "outside"
    std::string to;

    /// Takes the protocol's fields; refuses names that do not exist, listing those that do.
    static std::expected<EventFilter, Refusal> parse(const std::string& verdict,
                                                     const std::string& reason,
                                                     const std::string& from,
                                                     const std::string& to);
    [[nodiscard]] bool matches(const backend::FlowEvent& event) const;
    /// Whether events of allowed connections can match: those are reported only on demand.
    [[nodiscard]] bool wants_allowed() const;
};

class EventLog {
   public:
    using ObserverId = std::uint64_t;
    struct Outlet {
        std::function<void(ObserverId, const std::string& line)> send;
        std::function<void(ObserverId)> finish;  // the observer has got all it asked for
    };

    EventLog(Outlet outlet, std::size_t remembered);

    void take(const backend::FlowEvent& event);
    /// The latest matching events, oldest first, at most `limit`.
    [[nodiscard]] Json recent(const EventFilter& filter, std::size_t limit) const;
    /// Sends each matching event from now on; after `limit` of them the observer is finished.
    void follow(ObserverId id, EventFilter filter, std::optional<std::uint64_t> limit);
    void forget(ObserverId id) { followers_.erase(id); }
    [[nodiscard]] bool allowed_wanted() const;

   private:
    struct Follower {
        EventFilter filter;
        std::optional<std::uint64_t> left;
    };

    Outlet outlet_;
    std::size_t remembered_;
    std::deque<backend::FlowEvent> events_;
    std::map<ObserverId, Follower> followers_;
};

}  // namespace directfaas::control
