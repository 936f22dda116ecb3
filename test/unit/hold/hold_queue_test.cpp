// SPDX-License-Identifier: Apache-2.0
// Calls to a function without an instance: waiting, activation, limits, the end of waiting.
#include "test/unit/hold/fixture.h"
#include "test/unit/hold/listener.h"

namespace directfaas::hold {
namespace {

using testing::Test;
using Strings = std::vector<std::string>;

class HoldQueueTest : public HoldFixture {
   protected:
    const model::RouteEndpoint kRemote = endpoint("10.1.1.3", 9080, 0);
    const model::RouteEndpoint kLocal = endpoint("127.0.0.1", 1, 3);  // of which a proof fails
};

TEST_F(HoldQueueTest, CallsWaitAndOneInstanceIsAskedFor) {
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    queue->take(syn(2));
    EXPECT_EQ(activator.asked, std::vector{kCallee});
    EXPECT_EQ(sent(), Strings{});
    EXPECT_EQ(queue->counters().held_now, (std::map<model::Identity, std::size_t>{{kCallee, 2}}));
    EXPECT_EQ(queue->counters().bytes_now, 2U);

    set_endpoints(kRoute, {kRemote});
    EXPECT_EQ(sent(), (Strings{"judge 1", "judge 2"}));
    EXPECT_EQ(queue->counters().replayed, 2U);
    EXPECT_TRUE(queue->counters().held_now.empty());
    EXPECT_EQ(queue->counters().waited.count, 2U);
    EXPECT_EQ(queue->counters().listening_to_replay.count, 2U);
}

TEST_F(HoldQueueTest, DrainingEndpointIsNoInstance) {
    add_route(kRoute, kCallee);
    start(patient());
    auto draining = kRemote;
    draining.state = model::EndpointState::kDraining;
    set_endpoints(kRoute, {draining});
    queue->take(syn(1));
    EXPECT_EQ(activator.asked.size(), 1U);
    EXPECT_EQ(sent(), Strings{});
}

TEST_F(HoldQueueTest, PacketThatWasUnderWayWhenTheInstanceCameIsSentAtOnce) {
    add_route(kRoute, kCallee);
    start(patient());
    set_endpoints(kRoute, {kRemote});
    queue->take(syn(1));
    EXPECT_EQ(sent(), Strings{"judge 1"});
    EXPECT_TRUE(activator.asked.empty());
}

TEST_F(HoldQueueTest, NothingIsDecidedBeforeTheFirstRules) {
    queue = std::make_unique<HoldQueue>(*loop, backend, &activator, patient());
    queue->take(syn(1));
    queue->take(packet(kUdpRoute, kCallee, 2));
    EXPECT_TRUE(activator.asked.empty());

    add_route(kRoute, kCallee);  // the other route does not exist
    EXPECT_EQ(activator.asked.size(), 1U);
    EXPECT_EQ(sent(), Strings{"refuse 2"});
}

TEST_F(HoldQueueTest, RuleThatNoDeltaToldOfIsFoundALittleLater) {
    add_route(kRoute, kCallee);
    auto options = patient();
    options.recheck = milliseconds(5);
    start(options);
    queue->take(syn(1));
    rules.routes.at(kRoute).endpoints = {kRemote};
    ASSERT_TRUE(sent_at_least(1));
    EXPECT_EQ(sent(), Strings{"judge 1"});
}

TEST_F(HoldQueueTest, WithoutAnActivatorSomebodyElseStartsInstances) {
    queue = std::make_unique<HoldQueue>(*loop, backend, nullptr, patient());
    add_route(kRoute, kCallee);
    queue->take(syn(1));
    set_endpoints(kRoute, {kRemote});
    EXPECT_EQ(sent(), Strings{"judge 1"});
    EXPECT_EQ(queue->counters().activations, 0U);
}

TEST_F(HoldQueueTest, RetransmissionIsNoSecondCallAndTheNewestPacketIsSent) {
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1, "first"));
    queue->take(syn(1, "again"));
    EXPECT_EQ(queue->counters().held, 1U);
    EXPECT_EQ(queue->counters().duplicate, 1U);
    EXPECT_EQ(queue->counters().bytes_now, 5U);
    set_endpoints(kRoute, {kRemote});
    EXPECT_EQ(sent(), Strings{"judge again"});
}

TEST_F(HoldQueueTest, SameTupleAtAnotherInterfaceIsAnotherCall) {
    add_route(kRoute, kCallee);
    start(patient());
    auto other = syn(1, "other");
    other.ifindex = 8;
    queue->take(syn(1, "one"));
    queue->take(other);
    set_endpoints(kRoute, {kRemote});
    EXPECT_EQ(sent(), (Strings{"judge one", "judge other"}));
}

TEST_F(HoldQueueTest, DatagramsOfAFlowAreKeptInOrderUpToALimit) {
    add_route(kUdpRoute, kCallee);
    auto options = patient();
    options.max_datagrams = 3;
    start(options);
    for (const auto* frame : {"a", "b", "c", "d"}) {
        queue->take(packet(kUdpRoute, kCallee, 1, frame));
    }
    EXPECT_EQ(queue->counters().held, 1U);
    EXPECT_EQ(queue->counters().duplicate, 0U);
    EXPECT_EQ(queue->counters().datagrams_dropped, 1U);

    set_endpoints(kUdpRoute, {kLocal});  // local, but a datagram port cannot be proven
    EXPECT_EQ(sent(), (Strings{"judge a", "judge b", "judge c"}));
    EXPECT_EQ(queue->counters().bytes_now, 0U);
}

TEST_F(HoldQueueTest, CallsBeyondTheLimitOfAFunctionAreRefusedAtOnce) {
    const auto other = function("details");
    const model::RouteKey other_route{ip("10.96.0.3"), 80, util::Protocol::kTcp};
    add_route(kRoute, kCallee);
    add_route(other_route, other);
    auto options = patient();
    options.max_per_function = 2;
    start(options);
    for (const std::uint16_t port : {1, 2, 3}) {
        queue->take(syn(port));
    }
    queue->take(packet(other_route, other, 4));
    EXPECT_EQ(sent(), Strings{"refuse 3"});
    EXPECT_EQ(queue->counters().overflowed, 1U);
    EXPECT_EQ(queue->counters().held, 3U);
}

TEST_F(HoldQueueTest, CallsAndBytesAreBoundedInAll) {
    add_route(kRoute, kCallee);
    auto options = patient();
    options.max_total = 3;
    options.max_bytes = 10;
    start(options);
    queue->take(syn(1, "12345678"));
    queue->take(syn(2, "123"));  // too many bytes
    queue->take(syn(3, "1"));
    queue->take(syn(4, "1"));
    queue->take(syn(5, ""));  // too many calls
    EXPECT_EQ(sent(), (Strings{"refuse 123", "refuse 5"}));
    EXPECT_EQ(queue->counters().overflowed, 2U);
    EXPECT_EQ(queue->counters().bytes_now, 10U);
}

TEST_F(HoldQueueTest, ACallSentOnMakesRoomForAnother) {
    add_route(kRoute, kCallee);
    auto options = patient();
    options.max_per_function = 1;
    options.max_total = 1;
    start(options);
    for (const std::uint16_t port : {1, 2, 3}) {
        set_endpoints(kRoute, {});
        queue->take(syn(port));
        set_endpoints(kRoute, {kRemote});
    }
    EXPECT_EQ(sent(), (Strings{"judge 1", "judge 2", "judge 3"}));
    EXPECT_EQ(queue->counters().bytes_now, 1U) << "more calls are remembered than allowed";
}

TEST_F(HoldQueueTest, DeadlineRefusesEveryPacketOfACall) {
    add_route(kRoute, kCallee);
    add_route(kUdpRoute, kCallee);
    start({.deadline = milliseconds(20)});
    Strings given_up;
    queue->on_given_up([&](const GivenUp& call) {
        given_up.push_back(call.from.text() + " " + call.to.text() + ": " + call.why);
    });
    queue->take(syn(1));
    queue->take(packet(kUdpRoute, kCallee, 2, "a"));
    queue->take(packet(kUdpRoute, kCallee, 2, "b"));
    ASSERT_TRUE(sent_at_least(3));
    EXPECT_EQ(sent(), (Strings{"refuse 1", "refuse a", "refuse b"}));
    const auto counters = queue->counters();
    EXPECT_EQ(counters.expired, 2U);
    EXPECT_EQ(given_up, Strings(2, "shop/caller shop/ratings: no instance became ready"));
    EXPECT_EQ(counters.replayed, 0U);
    EXPECT_EQ(counters.bytes_now, 0U);
    EXPECT_TRUE(counters.held_now.empty());
}

TEST_F(HoldQueueTest, RouteOrFunctionThatIsRemovedRefuses) {
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    change([&](auto& delta) {
        delta.routes_removed = {kRoute};
        delta.identities_removed = {kCallee};
    });
    EXPECT_EQ(sent(), Strings{"refuse 1"});
    EXPECT_EQ(queue->counters().removed, 1U);
}

TEST_F(HoldQueueTest, RouteThatNoLongerHoldsIsLeftToTheSwitch) {
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    add_route(kRoute, kCallee, model::WhenEmpty::kRefuse);
    EXPECT_EQ(sent(), Strings{"judge 1"});
}

TEST_F(HoldQueueTest, VipWithANewOwnerIsLeftToTheSwitch) {
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    add_route(kRoute, function("details"));
    EXPECT_EQ(sent(), Strings{"judge 1"});

    // The switch holds it again, now for the new owner.
    queue->take(packet(kRoute, function("details"), 1));
    EXPECT_EQ(activator.asked, (std::vector{kCallee, function("details")}));
    EXPECT_EQ(queue->counters().held_now,
              (std::map<model::Identity, std::size_t>{{function("details"), 1}}));
}

TEST_F(HoldQueueTest, RevokedCallsAreLeftToTheSwitchAndOnlyThose) {
    add_route(kRoute, kCallee);
    start(patient());
    auto other = syn(2);
    other.from = function("other");
    queue->take(syn(1));
    queue->take(other);
    change([&](auto& delta) { delta.revoked = {{function("caller"), kCallee}}; });
    EXPECT_EQ(sent(), Strings{"judge 1"});
    EXPECT_EQ(queue->counters().held_now.at(kCallee), 1U);
}

TEST_F(HoldQueueTest, ColdFunctionsDoNotWaitForEachOther) {
    const auto other = function("details");
    const model::RouteKey other_route{ip("10.96.0.3"), 80, util::Protocol::kTcp};
    add_route(kRoute, kCallee);
    add_route(other_route, other);
    start(patient());
    queue->take(syn(1));
    queue->take(packet(other_route, other, 2));
    EXPECT_EQ(activator.asked, (std::vector{kCallee, other}));
    activator.answer(other, {});  // the first is never answered
    set_endpoints(other_route, {kRemote});
    EXPECT_EQ(sent(), Strings{"judge 2"});
    EXPECT_EQ(queue->counters().held_now.at(kCallee), 1U);
}

TEST_F(HoldQueueTest, AnswerAfterTheQueueIsGoneDoesNoHarm) {
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    queue.reset();
    activator.answer(kCallee, util::fail("too late"));
    turn_past(*loop, milliseconds(1));
}

}  // namespace
}  // namespace directfaas::hold
