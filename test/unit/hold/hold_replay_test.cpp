// SPDX-License-Identifier: Apache-2.0
// From an open line to a delivered call: resets, instances that die, bursts.
#include <algorithm>

#include "test/unit/hold/fixture.h"
#include "test/unit/hold/listener.h"

namespace directfaas::hold {
namespace {

using Strings = std::vector<std::string>;

class HoldReplayTest : public HoldFixture {
   protected:
    const model::RouteEndpoint kRemote = endpoint("10.1.1.3", 9080, 0);
};

TEST_F(HoldReplayTest, InstanceOfAnotherNodeMakesAProofUnnecessary) {
    LoopbackPort closed("127.0.0.1");
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    set_endpoints(kRoute, {kRemote, endpoint("127.0.0.1", closed.number(), 3)});
    EXPECT_EQ(sent(), Strings{"judge 1"});
    EXPECT_EQ(queue->counters().probes, 0U);
}

TEST_F(HoldReplayTest, ResetCallIsSentAgainUntilItWorks) {
    add_route(kRoute, kCallee);
    auto options = patient();
    options.confirm = milliseconds(200);
    start(options);
    set_endpoints(kRoute, {kRemote});
    queue->take(syn(1));
    for (std::size_t resets = 1; resets <= 3; ++resets) {
        queue->take(reset_of(syn(1)));
        EXPECT_EQ(backend.replays.size(), resets) << "sent again without a pause";
        ASSERT_TRUE(sent_at_least(resets + 1));
    }
    EXPECT_EQ(sent(), (Strings{"judge 1", "judge 1", "judge 1", "judge 1"}));
    EXPECT_EQ(queue->counters().reset_retried, 3U);
    EXPECT_EQ(queue->counters().replayed, 1U);

    // Nothing more is heard of it: delivered, and forgotten.
    ASSERT_TRUE(turn_until(*loop, [&] { return queue->counters().bytes_now == 0; }));
    queue->take(reset_of(syn(1)));
    EXPECT_EQ(queue->counters().reset_retried, 3U);
    EXPECT_EQ(backend.replays.size(), 4U);
}

TEST_F(HoldReplayTest, CallThatIsResetForEverIsRefusedAtTheDeadline) {
    add_route(kRoute, kCallee);
    start({.deadline = milliseconds(150), .retry_max = milliseconds(20)});
    set_endpoints(kRoute, {kRemote});
    queue->take(syn(1));
    ASSERT_TRUE(turn_until(*loop, [&] {
        if (sent().back() == "judge 1") {
            queue->take(reset_of(syn(1)));
        }
        return sent().back() == "refuse 1";
    }));
    EXPECT_EQ(queue->counters().expired, 1U);
    // 5 + 10 + 20 + 20 ... ms between two tries.
    EXPECT_LE(backend.replays.size(), 2 + 150 / 5U);
    EXPECT_EQ(queue->counters().bytes_now, 0U);
}

TEST_F(HoldReplayTest, ResetOfAnUnknownOrWaitingCallIsIgnored) {
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(reset_of(syn(1)));
    queue->take(syn(2));
    queue->take(reset_of(syn(2)));
    EXPECT_EQ(queue->counters().reset_retried, 0U);
    EXPECT_EQ(queue->counters().held_now.at(kCallee), 1U);
}

TEST_F(HoldReplayTest, CallWhoseInstanceDiedAfterReplayWaitsForTheNext) {
    add_route(kRoute, kCallee);
    auto options = patient();
    options.activation_retry = milliseconds(1);
    start(options);
    queue->take(syn(1));
    activator.answer(kCallee, {});
    set_endpoints(kRoute, {kRemote});
    set_endpoints(kRoute, {});
    queue->take(reset_of(syn(1)));
    EXPECT_EQ(queue->counters().held_now.at(kCallee), 1U);
    ASSERT_TRUE(turn_until(*loop, [&] { return activator.asked.size() == 2; }));
    set_endpoints(kRoute, {kRemote});
    EXPECT_EQ(sent(), (Strings{"judge 1", "judge 1"}));
}

TEST_F(HoldReplayTest, CallThatTheSwitchHoldsAgainWaits) {
    add_route(kRoute, kCallee);
    add_route(kUdpRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    queue->take(packet(kUdpRoute, kCallee, 2));
    for (const auto& route : {kRoute, kUdpRoute}) {
        set_endpoints(route, {kRemote});
        set_endpoints(route, {});
    }
    queue->take(syn(1));
    queue->take(packet(kUdpRoute, kCallee, 2, "2 again"));
    EXPECT_EQ(queue->counters().held_again, 2U);
    EXPECT_EQ(queue->counters().held, 2U);
    set_endpoints(kRoute, {kRemote});
    set_endpoints(kUdpRoute, {kRemote});
    EXPECT_EQ(sent(), (Strings{"judge 1", "judge 2", "judge 1", "judge 2 again"}));
    EXPECT_EQ(queue->counters().replayed, 2U);
}

/// A switch whose rules lag behind holds what it is sent, at once and again and again.
class LaggingBackend final : public backend::Backend {
   public:
    util::Result<void> apply(const model::RuleDelta&) override { return {}; }
    util::Result<model::RuleSet> dump() override { return model::RuleSet{}; }
    util::Result<backend::Counters> counters() override { return backend::Counters{}; }
    [[nodiscard]] int event_fd() const override { return -1; }
    void drain(const backend::EventSink&) override {}
    std::vector<backend::Capability> probe() override { return {}; }
    util::Result<void> configure(const backend::Settings&) override { return {}; }
    util::Result<void> sweep() override { return {}; }
    std::vector<std::string> installed(const model::AllowKey&,
                                       const std::vector<model::RouteKey>&) override {
        return {};
    }
    util::Result<void> remove() override { return {}; }

    util::Result<void> replay(const HeldPacket& packet, ReplayAction action) override {
        refused += action == ReplayAction::kRefuse ? 1 : 0;
        judged += action == ReplayAction::kJudge ? 1 : 0;
        if (action == ReplayAction::kJudge) {
            loop.after({}, [this, packet] { queue->take(packet); });
        }
        return {};
    }

    explicit LaggingBackend(util::EventLoop& event_loop) : loop(event_loop) {}
    util::EventLoop& loop;
    HoldQueue* queue = nullptr;
    std::size_t judged = 0;
    std::size_t refused = 0;
};

TEST_F(HoldReplayTest, SwitchThatLagsBehindMakesNoBusyLoop) {
    LaggingBackend lagging(*loop);
    HoldQueue held(*loop, lagging, &activator,
                   {.deadline = milliseconds(200), .source_wait = milliseconds(200)});
    lagging.queue = &held;
    rules.routes[kRoute] = {kCallee, {kRemote}, model::WhenEmpty::kHold};
    rules.routes[kUdpRoute] = {kCallee, {kRemote}, model::WhenEmpty::kHold};
    rules.addresses[ip("10.1.0.9")] = function("caller");
    held.rules_changed({}, rules);
    auto source = syn(3);
    source.kind = HeldPacket::Kind::kUnknownSource;
    held.take(syn(1));
    held.take(packet(kUdpRoute, kCallee, 2));
    held.take(source);
    ASSERT_TRUE(turn_until(*loop, [&] { return lagging.refused == 3; }));
    EXPECT_LE(lagging.judged, 3 * (1 + 200 / 5U));
    EXPECT_EQ(held.counters().bytes_now, 0U);
}

TEST_F(HoldReplayTest, FailureToSendIsTriedAgain) {
    add_route(kRoute, kCallee);
    add_route(kUdpRoute, kCallee);
    start(patient());
    backend.fail_replays(util::Error{ENOBUFS, "send a frame"});
    queue->take(syn(1));
    queue->take(packet(kUdpRoute, kCallee, 2, "a"));
    queue->take(packet(kUdpRoute, kCallee, 2, "b"));
    set_endpoints(kRoute, {kRemote});
    set_endpoints(kUdpRoute, {kRemote});
    ASSERT_TRUE(turn_until(*loop, [&] { return queue->counters().replay_failed >= 4; }));
    EXPECT_EQ(queue->counters().replayed, 0U);
    backend.fail_replays({});
    ASSERT_TRUE(sent_at_least(3));
    auto frames = sent();
    std::ranges::sort(frames);
    EXPECT_EQ(frames, (Strings{"judge 1", "judge a", "judge b"}));
    EXPECT_EQ(queue->counters().replayed, 2U);
}

TEST_F(HoldReplayTest, BurstKeepsItsOrderAndLetsOtherWorkThrough) {
    constexpr std::uint16_t kCalls = 3000;
    add_route(kRoute, kCallee);
    auto options = patient();
    options.max_per_function = kCalls;
    start(options);
    for (std::uint16_t port = 1; port <= kCalls; ++port) {
        queue->take(syn(port));
    }
    EXPECT_EQ(activator.asked.size(), 1U);
    set_endpoints(kRoute, {kRemote});
    std::size_t sent_at_first_turn = 0;
    loop->after({}, [&] { sent_at_first_turn = backend.replays.size(); });
    const auto before = backend.replays.size();
    queue->take(syn(kCalls + 1));  // arrives in the middle
    EXPECT_EQ(backend.replays.size(), before) << "more than a turn's share";
    ASSERT_TRUE(sent_at_least(kCalls + 1));
    EXPECT_LT(sent_at_first_turn, std::size_t{kCalls});
    EXPECT_GT(sent_at_first_turn, 0U);

    Strings expected;
    for (int port = 1; port <= kCalls + 1; ++port) {
        expected.push_back("judge " + std::to_string(port));
    }
    EXPECT_EQ(sent(), expected);
}

TEST_F(HoldReplayTest, InstanceThatDiesInTheMiddleOfABurstKeepsTheRestWaiting) {
    constexpr std::uint16_t kCalls = 1000;
    add_route(kRoute, kCallee);
    start(patient());
    for (std::uint16_t port = 1; port <= kCalls; ++port) {
        queue->take(syn(port));
    }
    set_endpoints(kRoute, {kRemote});
    set_endpoints(kRoute, {});
    const auto before = backend.replays.size();
    EXPECT_LT(before, std::size_t{kCalls});
    turn_past(*loop, milliseconds(20));
    EXPECT_EQ(backend.replays.size(), before);
    EXPECT_EQ(queue->counters().held_now.at(kCallee), kCalls - before);
    set_endpoints(kRoute, {kRemote});
    ASSERT_TRUE(sent_at_least(kCalls));
    EXPECT_EQ(sent().back(), "judge " + std::to_string(kCalls));
}

TEST_F(HoldReplayTest, QueueEndsWithCallsInEveryState) {
    LoopbackPort closed("127.0.0.1");
    const model::RouteKey local{ip("10.96.0.3"), 80, util::Protocol::kTcp};
    add_route(kRoute, kCallee);
    add_route(local, kCallee);
    auto options = patient();
    options.recheck = milliseconds(1);
    start(options);
    for (std::uint16_t port = 1; port <= 300; ++port) {
        queue->take(syn(port));
        queue->take(packet(local, kCallee, port));
    }
    set_endpoints(local, {endpoint("127.0.0.1", closed.number(), 3)});
    set_endpoints(kRoute, {kRemote});
    queue->take(reset_of(syn(1)));
    queue.reset();
    const auto before = backend.replays.size();
    turn_past(*loop, milliseconds(20));
    EXPECT_EQ(backend.replays.size(), before) << "something goes on after the queue's end";
}

}  // namespace
}  // namespace directfaas::hold
