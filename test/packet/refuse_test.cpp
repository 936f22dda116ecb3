// SPDX-License-Identifier: Apache-2.0
// The answers that tell a caller "no": resets and ICMP errors, right to the checksum.
#include <barrier>
#include <thread>

#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

using support::Bytes;
namespace flag = support::tcp_flag;

class Refuse : public EitherFamily {
   protected:
    /// Expects a reset of `sent` in `outcome`, towards its sender.
    void expect_reset(const Outcome& outcome, const Bytes& sent) {
        ASSERT_EQ(outcome.verdict, kRedirect);
        const auto reset = look(outcome.frame);
        const auto was = look(sent);
        EXPECT_EQ(reset.tcp_flags & flag::kRst, flag::kRst);
        EXPECT_EQ(reset.src, was.dst);
        EXPECT_EQ(reset.dst, was.src);
        EXPECT_EQ(reset.sport, was.dport);
        EXPECT_EQ(reset.dport, was.sport);
        EXPECT_EQ(reset.eth_src, was.eth_dst);
        EXPECT_EQ(reset.eth_dst, was.eth_src);
        EXPECT_TRUE(reset.payload.empty());
        EXPECT_TRUE(reset.tcp_options.empty());
    }
};
DF_BOTH_FAMILIES(Refuse);

TEST_P(Refuse, SynWithoutAnEdgeIsResetWithItsNumberAcknowledged) {
    const auto syn = tcp(pod(2), 40000, vip(2), 80);
    const auto outcome = sw.from_pod(callee_if, syn);
    expect_reset(outcome, syn);
    EXPECT_EQ(look(outcome.frame).ack, 1001U);
    EXPECT_EQ(look(outcome.frame).tcp_flags, flag::kRst | flag::kAck);
    EXPECT_EQ(sw.denied(kCallee, kCallee, DF_REASON_NO_EDGE), 1U);
    EXPECT_EQ(sw.fn_stats(kCallee).denied, 1U);
    EXPECT_EQ(sw.connections(), 0U);
}

TEST_P(Refuse, SynWithPayloadAndOptionsIsReset) {
    const auto syn = (ip(pod(2), vip(2)) / support::Tcp{.options = {2, 4, 5, 0xb4, 1, 3, 3, 7}} /
                      support::Raw{"early data"})
                         .bytes();
    const auto outcome = sw.from_pod(callee_if, syn);
    expect_reset(outcome, syn);
    EXPECT_EQ(look(outcome.frame).ack, 1000U + 1 + 10);
}

TEST_P(Refuse, ByPodIpIsResetToo) {
    const auto syn = tcp(pod(2), 40000, pod(6), 8080);
    expect_reset(sw.from_pod(callee_if, syn), syn);
}

TEST_P(Refuse, SegmentOfARevokedEdgeIsResetAtItsOwnNumber) {
    open_call(40000);
    answer_call(40000);
    sw.revoke(kEdgeCall);
    const auto data = tcp(pod(1), 40000, vip(2), 80, flag::kAck | flag::kPsh, "secret");
    const auto outcome = sw.from_pod(caller_if, data);
    expect_reset(outcome, data);
    EXPECT_EQ(look(outcome.frame).seq, 2000U) << "the number the sender waits for";
    EXPECT_EQ(look(outcome.frame).tcp_flags, flag::kRst);
    EXPECT_EQ(answer_call(40000, flag::kAck).verdict, kNext) << "no entry left: stack's";
    EXPECT_EQ(sw.edge_stats(kEdgeCall).closed_caller, 1U);
}

TEST_P(Refuse, AnswerOfARevokedEdgeDoesNotPass) {
    open_call(40000);
    sw.revoke(kEdgeCall);
    EXPECT_EQ(answer_call(40000).verdict, kShot);
    EXPECT_EQ(sw.counted(DF_REASON_EDGE_REVOKED, DF_HOOK_TO_POD), 1U);
}

TEST_P(Refuse, InstanceOfARevokedEdgeIsReset) {
    sw.to_pod(callee_if, tcp(pod(1), 40000, pod(2), 8080));
    sw.revoke(kEdgeCall);
    const auto data = tcp(pod(2), 8080, pod(1), 40000, flag::kAck, "leak");
    expect_reset(sw.from_pod(callee_if, data), data);
}

TEST_P(Refuse, EdgeThatComesBackAllowsNewConnectionsOnly) {
    open_call(40000);
    answer_call(40000);
    sw.revoke(kEdgeCall);
    sw.edge(kEdgeCall, kCaller, kCallee);
    const auto data = tcp(pod(1), 40000, vip(2), 80, flag::kAck, "old");
    expect_reset(sw.from_pod(caller_if, data), data);
    open_call(40001);
}

TEST_P(Refuse, GoneInstanceResetsTheCaller) {
    open_call(40000);
    answer_call(40000);
    sw.endpoint_state(kInstanceOne, DF_EP_FREE);
    const auto data = tcp(pod(1), 40000, vip(2), 80, flag::kAck, "x");
    expect_reset(sw.from_pod(caller_if, data), data);
    EXPECT_EQ(sw.counted(DF_REASON_ENDPOINT_GONE, DF_HOOK_FROM_POD), 1U);
}

TEST_P(Refuse, UndeclaredPortOfTheVipIsReset) {
    const auto syn = tcp(pod(1), 40000, vip(2), 4444);
    expect_reset(sw.from_pod(caller_if, syn), syn);
    EXPECT_EQ(sw.counted(DF_REASON_PORT_CLOSED, DF_HOOK_FROM_POD), 1U);
}

TEST_P(Refuse, DatagramGetsAnIcmpErrorThatQuotesIt) {
    const auto datagram = udp(pod(2), 5000, vip(2), 80, "some question");
    const auto outcome = sw.from_pod(callee_if, datagram);
    ASSERT_EQ(outcome.verdict, kRedirect);
    const auto error = look(outcome.frame);
    EXPECT_EQ(error.src.text(), vip(2));
    EXPECT_EQ(error.dst.text(), pod(2));
    EXPECT_EQ(error.icmp_type, v4() ? 3 : 1);
    EXPECT_EQ(error.icmp_code, v4() ? 13 : 1);
    ASSERT_TRUE(error.quoted);
    EXPECT_EQ(error.quoted->src.text(), pod(2));
    EXPECT_EQ(error.quoted->dst.text(), vip(2));
    EXPECT_EQ(error.quoted->sport, 5000);
    EXPECT_EQ(error.quoted->dport, 80);
}

TEST_P(Refuse, EmptyDatagramGetsAnErrorToo) {
    const auto outcome = sw.from_pod(callee_if, udp(pod(2), 5000, vip(2), 80, ""));
    ASSERT_EQ(outcome.verdict, kRedirect);
    EXPECT_TRUE(look(outcome.frame).quoted);
}

TEST_P(Refuse, SilentlyWhenConfigured) {
    auto config = sw.config();
    config.flags |= DF_CONFIG_DENY_SILENTLY;
    sw.configure(config);
    EXPECT_EQ(sw.from_pod(callee_if, tcp(pod(2), 40000, vip(2), 80)).verdict, kShot);
    EXPECT_EQ(sw.from_pod(callee_if, udp(pod(2), 5000, vip(2), 80)).verdict, kShot);
    // What is no matter of policy is still answered, or callers would hang.
    const auto empty = tcp(pod(1), 40000, vip(2), 81);
    expect_reset(sw.from_pod(caller_if, empty), empty);
}

TEST_P(Refuse, ResetsAreNotAnswered) {
    open_call(40000);
    sw.revoke(kEdgeCall);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kRst)).verdict, kShot);
}

TEST_P(Refuse, AtTheCalleesEndTheResetComesFromThePod) {
    const auto syn = tcp(outside(9), 40000, pod(2), 8080);
    const auto outcome = sw.to_pod(callee_if, syn);
    expect_reset(outcome, syn);
    EXPECT_EQ(sw.counted(DF_REASON_NO_EDGE, DF_HOOK_TO_POD), 1U);
    // It comes in at the callee's own veth, marked as ours, and goes on to the sender.
    const auto again = sw.from_pod(callee_if, outcome.frame, {.mark = sw.config().mark_replay});
    EXPECT_EQ(again.verdict, kNext);
    EXPECT_EQ(again.frame, outcome.frame);
}

/// Two processors may both find that a pair was never denied before: neither count is lost.
TEST_P(Refuse, FirstDenialsOfOneMomentAreAllCounted) {
    constexpr int kRounds = 1000;
    const auto syn = tcp(pod(2), 40000, vip(2), 80);
    std::barrier both(2);
    std::uint64_t counted = 0;
    const auto deny = [&](bool first) {
        for (int round = 0; round < kRounds; ++round) {
            both.arrive_and_wait();
            sw.from_pod(callee_if, syn);
            both.arrive_and_wait();
            if (first) {
                counted += sw.denied(kCallee, kCallee, DF_REASON_NO_EDGE);
                sw.forget_denied(kCallee, kCallee, DF_REASON_NO_EDGE);
            }
        }
    };
    std::thread other(deny, false);
    deny(true);
    other.join();
    EXPECT_EQ(counted, 2U * kRounds);
}

TEST_P(Refuse, EventNamesBothEndsAndTheReason) {
    sw.from_pod(callee_if, tcp(pod(2), 40000, vip(3), 80));
    const auto events = sw.events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].reason, DF_REASON_NO_EDGE);
    EXPECT_EQ(events[0].verdict, DF_VERDICT_REFUSE);
    EXPECT_EQ(events[0].hook, DF_HOOK_FROM_POD);
    EXPECT_EQ(events[0].from, kCallee);
    EXPECT_EQ(events[0].to, kShop);
    EXPECT_EQ(ntohs(events[0].dport), 80);
}

TEST_P(Refuse, EventsAreLimited) {
    auto config = sw.config();
    config.event_rate = 3;
    sw.configure(config);
    for (std::uint16_t port = 1000; port < 1100; ++port) {
        sw.from_pod(callee_if, tcp(pod(2), port, vip(3), 80));
    }
    EXPECT_EQ(sw.denied(kCallee, kShop, DF_REASON_NO_EDGE), 100U);
    const auto events = sw.events().size();
    EXPECT_GE(events, 1U);
    EXPECT_LT(events, 100U);
}

}  // namespace
}  // namespace directfaas::packet
