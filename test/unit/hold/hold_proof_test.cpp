// SPDX-License-Identifier: Apache-2.0
// Ready is not listening: calls to an instance of this node wait until its port is proven.
#include "test/unit/hold/fixture.h"
#include "test/unit/hold/listener.h"

namespace directfaas::hold {
namespace {

using Strings = std::vector<std::string>;

class HoldProofTest : public HoldFixture, public testing::WithParamInterface<std::string> {
   protected:
    model::RouteEndpoint at(const LoopbackPort& port) const {
        return endpoint(GetParam(), port.number(), 3);
    }
};

TEST_P(HoldProofTest, ReadyInstanceGetsItsCallsOnceItListens) {
    LoopbackPort port(GetParam());
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    queue->take(syn(2));
    set_endpoints(kRoute, {at(port)});
    ASSERT_TRUE(turn_until(*loop, [&] { return queue->counters().probes >= 4; }));
    queue->take(syn(3));
    EXPECT_EQ(sent(), Strings{}) << "sent to a port that nobody listens on";

    port.listen();
    ASSERT_TRUE(sent_at_least(3));
    EXPECT_EQ(sent(), (Strings{"judge 1", "judge 2", "judge 3"}));
    const auto probes = queue->counters().probes;
    queue->take(syn(4));
    EXPECT_EQ(sent().back(), "judge 4");
    turn_past(*loop, milliseconds(30));
    EXPECT_EQ(queue->counters().probes, probes) << "a proven port is tried again";
}

TEST_P(HoldProofTest, OneProvenInstanceOfSeveralIsEnough) {
    LoopbackPort silent(GetParam());
    silent.fill();
    LoopbackPort closed(GetParam());
    LoopbackPort good(GetParam());
    good.listen();
    add_route(kRoute, kCallee);
    start(patient());
    queue->take(syn(1));
    set_endpoints(kRoute, {at(silent), at(closed), at(good)});
    ASSERT_TRUE(sent_at_least(1));
    EXPECT_EQ(sent(), Strings{"judge 1"});
}

TEST_P(HoldProofTest, LineMayEndWhileItsCallsAreSent) {
    LoopbackPort port(GetParam());
    port.listen();
    add_route(kRoute, kCallee);
    auto options = patient();
    options.max_bytes = 10;
    start(options);
    queue->take(syn(1));
    queue->take(syn(1, "a larger packet"));  // too large to be remembered once it is sent
    set_endpoints(kRoute, {at(port)});
    ASSERT_TRUE(sent_at_least(1));
    EXPECT_EQ(sent(), Strings{"judge a larger packet"});
    EXPECT_EQ(queue->counters().bytes_now, 0U);
}

TEST_P(HoldProofTest, InstanceThatDiesBeforeItListensIsReplaced) {
    LoopbackPort first(GetParam());
    LoopbackPort second(GetParam());
    add_route(kRoute, kCallee);
    auto options = patient();
    options.activation_retry = milliseconds(1);
    start(options);
    queue->take(syn(1));
    activator.answer(kCallee, {});
    set_endpoints(kRoute, {at(first)});
    ASSERT_TRUE(turn_until(*loop, [&] { return queue->counters().probes >= 2; }));
    set_endpoints(kRoute, {});
    ASSERT_TRUE(turn_until(*loop, [&] { return activator.asked.size() == 2; }));

    first.listen();  // what listens there now is somebody else
    second.listen();
    set_endpoints(kRoute, {at(second)});
    ASSERT_TRUE(sent_at_least(1));
    EXPECT_FALSE(first.accept().valid());
}

TEST_P(HoldProofTest, CallOfAFunctionThatNeverListensIsRefused) {
    LoopbackPort port(GetParam());
    add_route(kRoute, kCallee);
    start({.deadline = milliseconds(40)});
    queue->take(syn(1));
    set_endpoints(kRoute, {at(port)});
    ASSERT_TRUE(sent_at_least(1));
    EXPECT_EQ(sent(), Strings{"refuse 1"});
    EXPECT_EQ(queue->counters().expired, 1U);
}

INSTANTIATE_TEST_SUITE_P(Families, HoldProofTest, testing::Values("127.0.0.1", "::1"),
                         [](const auto& test) { return test.param == "::1" ? "v6" : "v4"; });

}  // namespace
}  // namespace directfaas::hold
