// SPDX-License-Identifier: Apache-2.0
// A hold queue on a real event loop, with a backend that writes down what is sent, an activator
// that does what the test says, and rules that the test changes.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/hold/hold_queue.h"
#include "lib/util/event_loop.h"
#include "test/support/memory_backend.h"
#include "test/support/wait.h"

namespace directfaas::hold {

using backend::HeldPacket;
using backend::ReplayAction;
using std::chrono::milliseconds;

inline util::IpAddress ip(const std::string& text) { return util::IpAddress::parse(text).value(); }

inline model::Identity function(const std::string& name) {
    return {model::IdentityKind::kFunction, {"shop", name}};
}

inline model::RouteEndpoint endpoint(const std::string& address, std::uint16_t port,
                                     unsigned ifindex) {
    return {ip(address), port, model::EndpointState::kReady, ifindex};
}

/// Turns the loop until `condition` holds; false if that takes too long. Counts the loop's own
/// time: a machine that stops this process for a while must not turn a test red.
template <typename Condition>
bool turn_until(util::EventLoop& loop, Condition condition) {
    using Clock = std::chrono::steady_clock;
    Clock::duration left = support::kPatience;
    while (!condition() && left.count() > 0) {
        const auto begun = Clock::now();
        EXPECT_TRUE(loop.run_once(milliseconds(10)));
        left -= std::min<Clock::duration>(Clock::now() - begun, milliseconds(100));
    }
    return condition();
}

/// Turns the loop until every timer that is due within `time` from now has run.
inline void turn_past(util::EventLoop& loop, milliseconds time) {
    bool past = false;
    loop.after(time, [&past] { past = true; });
    ASSERT_TRUE(turn_until(loop, [&past] { return past; }));
}

/// Writes down what it is asked; the test answers.
class ScriptedActivator final : public Activator {
   public:
    void activate(const model::Identity& wanted, Done done) override {
        asked.push_back(wanted);
        open[wanted] = std::move(done);
    }
    void answer(const model::Identity& wanted, const util::Result<void>& result) {
        const auto done = std::move(open.at(wanted));
        open.erase(wanted);
        done(result);
    }

    std::vector<model::Identity> asked;
    std::map<model::Identity, Done> open;
};

class HoldFixture : public testing::Test {
   protected:
    /// For tests that wait for limits: short ones, but nothing else is.
    static HoldOptions patient() { return {.deadline = std::chrono::minutes(10)}; }

    void start(const HoldOptions& options) {
        queue = std::make_unique<HoldQueue>(*loop, backend, &activator, options);
        queue->rules_changed({}, rules);
    }
    void add_route(const model::RouteKey& route, const model::Identity& callee,
                   model::WhenEmpty when_empty = model::WhenEmpty::kHold) {
        change([&](auto& delta) { delta.routes[route] = {callee, {}, when_empty}; });
    }
    void set_endpoints(const model::RouteKey& route, std::vector<model::RouteEndpoint> endpoints) {
        auto rule = rules.routes.at(route);
        rule.endpoints = std::move(endpoints);
        change([&](auto& delta) { delta.routes[route] = rule; });
    }
    template <typename Fill>
    void change(Fill fill) {
        model::RuleDelta delta;
        fill(delta);
        model::apply(delta, rules);
        if (queue) {
            queue->rules_changed(delta, rules);
        }
    }

    /// The frame is the flow's number, so that tests can tell what was sent.
    static HeldPacket packet(const model::RouteKey& route, const model::Identity& callee,
                             std::uint16_t source_port, std::string frame = "") {
        HeldPacket out;
        out.kind = HeldPacket::Kind::kNoInstance;
        out.flow = {ip("10.1.0.9"), route.vip, source_port, route.port,
                    static_cast<std::uint8_t>(route.protocol)};
        out.ifindex = 7;
        out.from = function("caller");
        out.to = callee;
        if (frame.empty()) {
            frame = std::to_string(source_port);
        }
        out.frame.assign(frame.begin(), frame.end());
        return out;
    }
    HeldPacket syn(std::uint16_t source_port, std::string frame = "") const {
        return packet(kRoute, kCallee, source_port, std::move(frame));
    }
    static HeldPacket reset_of(HeldPacket call) {
        call.kind = HeldPacket::Kind::kReset;
        call.frame.clear();
        return call;
    }

    /// "judge 1", "refuse 2" ...: what was sent so far, in order.
    std::vector<std::string> sent() const {
        std::vector<std::string> out;
        for (const auto& [held, action] : backend.replays) {
            out.push_back((action == ReplayAction::kJudge ? "judge " : "refuse ") +
                          std::string(held.frame.begin(), held.frame.end()));
        }
        return out;
    }
    bool sent_at_least(std::size_t count) {
        return turn_until(*loop, [&] { return backend.replays.size() >= count; });
    }

    const model::Identity kCallee = function("ratings");
    const model::RouteKey kRoute{ip("10.96.0.2"), 9080, util::Protocol::kTcp};
    const model::RouteKey kUdpRoute{ip("10.96.0.2"), 53, util::Protocol::kUdp};

    std::unique_ptr<util::EventLoop> loop = std::move(util::EventLoop::create()).value();
    support::MemoryBackend backend;
    ScriptedActivator activator;
    model::RuleSet rules;
    std::unique_ptr<HoldQueue> queue;
};

}  // namespace directfaas::hold
