// SPDX-License-Identifier: Apache-2.0
// A backend without a kernel: rules are a value, counters and events are what a test says, and
// what was sent again is written down.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/backend/backend.h"
#include "lib/util/unique_fd.h"

namespace directfaas::support {

/// Everything on one thread but for counters() and set_counters().
class MemoryBackend final : public backend::Backend {
   public:
    MemoryBackend();

    // --- backend::Backend

    util::Result<void> apply(const model::RuleDelta& delta) override;
    util::Result<model::RuleSet> dump() override;
    /// The scripted counters; edges and functions of the rules are there with zeros at least.
    util::Result<backend::Counters> counters() override;
    [[nodiscard]] int event_fd() const override { return event_fd_.get(); }
    void drain(const backend::EventSink& sink) override;
    util::Result<void> replay(const backend::HeldPacket& packet,
                              backend::ReplayAction action) override;
    std::vector<backend::Capability> probe() override { return capabilities; }
    [[nodiscard]] std::vector<std::string> bypasses() const override { return known_bypasses; }
    util::Result<void> configure(const backend::Settings& settings) override;
    util::Result<void> sweep() override;
    std::vector<std::string> installed(const model::AllowKey& edge,
                                       const std::vector<model::RouteKey>& routes) override;
    util::Result<void> remove() override;

    // --- what a test scripts

    /// Reports an event or a held packet: event_fd() becomes readable.
    void emit(backend::FlowEvent event);
    void emit(backend::HeldPacket packet);
    void set_counters(backend::Counters counters);
    /// The next `count` calls of apply() fail, after having applied nothing.
    void fail_applies(std::size_t count, util::Error error);
    /// Until told otherwise, a delta that upserts this route is refused whole: a full table.
    void refuse_route(std::optional<model::RouteKey> route) { refused_route_ = route; }
    void fail_dump(std::optional<util::Error> error) { dump_error_ = std::move(error); }
    void fail_replays(std::optional<util::Error> error) { replay_error_ = std::move(error); }
    void fail_remove(std::optional<util::Error> error) { remove_error_ = std::move(error); }

    // --- what a test reads and may change

    model::RuleSet rules;                   // what is installed
    std::vector<model::RuleDelta> applied;  // in order, the successful ones
    std::size_t failed_applies = 0;
    std::size_t dumps = 0;
    std::size_t sweeps = 0;
    bool removed = false;
    backend::Settings settings;  // as last configured
    std::vector<backend::Capability> capabilities;
    std::vector<std::string> known_bypasses;
    std::vector<std::pair<backend::HeldPacket, backend::ReplayAction>> replays;

   private:
    util::UniqueFd event_fd_;
    std::deque<std::variant<backend::FlowEvent, backend::HeldPacket>> reports_;
    std::size_t failures_left_ = 0;
    util::Error apply_error_;
    std::optional<model::RouteKey> refused_route_;
    std::optional<util::Error> dump_error_;
    std::optional<util::Error> replay_error_;
    std::optional<util::Error> remove_error_;
    std::mutex counters_mutex_;
    backend::Counters counters_;              // guarded by counters_mutex_
    std::vector<model::AllowKey> edges_;      // guarded by counters_mutex_
    std::vector<model::Identity> functions_;  // guarded by counters_mutex_
};

}  // namespace directfaas::support
