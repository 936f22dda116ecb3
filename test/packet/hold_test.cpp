// SPDX-License-Identifier: Apache-2.0
// First packets that are kept: no instance yet, or a source that is not known yet.
#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

namespace flag = support::tcp_flag;

class Hold : public EitherFamily {
   protected:
    void SetUp() override {
        World::SetUp();
        sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {}, DF_VIP_HOLD);
        sw.route(kRouteUdp, vip(2), 80, IPPROTO_UDP, kCallee, {}, DF_VIP_HOLD);
        auto config = sw.config();
        config.pod_network_count = 1;
        config.pod_networks[0] = v4() ? df_prefix{addr("10.1.0.0"), addr("255.255.0.0")}
                                      : df_prefix{addr("fd00:1::"), addr("ffff:ffff::")};
        if (v4()) {
            std::fill_n(config.pod_networks[0].mask.bytes, 12, 0xff);
        }
        sw.configure(config);
    }
    Metadata replayed() { return {.mark = sw.config().mark_replay}; }
    Metadata given_up() { return {.mark = sw.config().mark_refuse}; }
};
DF_BOTH_FAMILIES(Hold);

TEST_P(Hold, SynWithoutInstanceIsHandedOverWhole) {
    const auto syn = tcp(pod(1), 40000, vip(2), 80);
    EXPECT_EQ(sw.from_pod(caller_if, syn).verdict, kShot);
    const auto held = sw.held();
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0].head.kind, DF_HELD_NO_INSTANCE);
    EXPECT_EQ(held[0].frame, syn);
    EXPECT_EQ(held[0].head.ifindex, caller_if);
    EXPECT_EQ(held[0].head.from, kCaller);
    EXPECT_EQ(held[0].head.to, kCallee);
    EXPECT_EQ(sw.fn_stats(kCallee).zero_syn, 1U);
    EXPECT_EQ(sw.fn_stats(kCallee).held, 1U);
    EXPECT_EQ(sw.connections(), 0U) << "a held call has no connection entry";
}

/// An instance that is ready need not listen yet: only the reset of the agent's copy is swallowed.
TEST_P(Hold, NextTryOfAKeptCallGoesToTheAgentHoweverReadyAnInstanceIs) {
    const auto syn = tcp(pod(1), 40000, vip(2), 80);
    sw.from_pod(caller_if, syn);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne}, DF_VIP_HOLD);
    EXPECT_EQ(sw.from_pod(caller_if, syn).verdict, kShot);
    EXPECT_EQ(sw.held().size(), 2U);
    EXPECT_EQ(sw.fn_stats(kCallee).zero_syn, 1U) << "there is an instance";
    EXPECT_EQ(sw.fn_stats(kCallee).held, 2U);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40001, vip(2), 80)).verdict, kNext)
        << "another call is not kept";

    EXPECT_EQ(sw.from_pod(caller_if, syn, replayed()).verdict, kNext);
    EXPECT_EQ(answer_call(40000, flag::kRst | flag::kAck).verdict, kShot);
    EXPECT_EQ(sw.from_pod(caller_if, syn).verdict, kShot) << "still kept";
    EXPECT_EQ(sw.from_pod(caller_if, syn, replayed()).verdict, kNext);
    answer_call(40000);
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kFin | flag::kAck));
    answer_call(40000, flag::kFin | flag::kAck);
    EXPECT_EQ(sw.from_pod(caller_if, syn).verdict, kNext) << "a new call of these ports";
}

TEST_P(Hold, CallThatWasGivenUpIsKeptNoLonger) {
    const auto syn = tcp(pod(1), 40000, vip(2), 80);
    sw.from_pod(caller_if, syn);
    sw.from_pod(caller_if, syn, given_up());
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne}, DF_VIP_HOLD);
    EXPECT_EQ(sw.from_pod(caller_if, syn).verdict, kNext);
}

TEST_P(Hold, DatagramsOfAnySizeUpToTheLimitAreHandedOverWhole) {
    const std::size_t headers = v4() ? 42 : 62;
    for (const std::size_t size :
         {headers, headers + 1, std::size_t{DF_HELD_SMALL} - 1, std::size_t{DF_HELD_SMALL},
          std::size_t{DF_HELD_SMALL} + 1, std::size_t{1514}, std::size_t{DF_HELD_LARGE}}) {
        const auto datagram = udp(pod(1), 5000, vip(2), 80, std::string(size - headers, 'x'));
        ASSERT_EQ(datagram.size(), size);
        sw.from_pod(caller_if, datagram);
        const auto held = sw.held();
        ASSERT_EQ(held.size(), 1U) << size;
        EXPECT_EQ(held[0].frame, datagram) << size;
    }
    sw.from_pod(caller_if, udp(pod(1), 5000, vip(2), 80, std::string(DF_HELD_LARGE, 'x')));
    EXPECT_TRUE(sw.held().empty());
    EXPECT_EQ(sw.counted(DF_REASON_HOLD_FULL, DF_HOOK_FROM_POD), 1U);
}

TEST_P(Hold, DeniedCallersWakeNobody) {
    EXPECT_EQ(sw.from_pod(callee_if, tcp(pod(2), 40000, vip(2), 80)).verdict, kRedirect);
    EXPECT_TRUE(sw.held().empty());
    EXPECT_EQ(sw.fn_stats(kCallee).zero_syn, 0U);
}

TEST_P(Hold, ReplayedSynGoesToTheNewInstanceWithTheMarkGone) {
    const auto syn = tcp(pod(1), 40000, vip(2), 80);
    sw.from_pod(caller_if, syn);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne}, DF_VIP_HOLD);
    const auto sent = sw.from_pod(caller_if, sw.held().at(0).frame, replayed());
    EXPECT_EQ(sent.verdict, kNext);
    EXPECT_EQ(look(sent.frame).dst.text(), pod(2));
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 0U) << "counts when the instance answers";
    answer_call(40000);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
    answer_call(40000);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
}

TEST_P(Hold, ReplayedTooEarlyIsNotHeldTwice) {
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80), replayed()).verdict, kShot);
    EXPECT_TRUE(sw.held().empty());
    EXPECT_EQ(sw.fn_stats(kCallee).zero_syn, 0U);
}

TEST_P(Hold, ResetOfAReplayedSynIsSwallowedAndReported) {
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne}, DF_VIP_HOLD);
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80), replayed());
    EXPECT_EQ(answer_call(40000, flag::kRst | flag::kAck).verdict, kShot);
    const auto held = sw.held();
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0].head.kind, DF_HELD_RESET);
    const auto vip_addr = addr(vip(2));
    EXPECT_EQ(std::memcmp(&held[0].head.daddr, &vip_addr, sizeof(vip_addr)), 0);
    EXPECT_EQ(ntohs(held[0].head.sport), 40000);
    EXPECT_EQ(ntohs(held[0].head.dport), 80);
    EXPECT_EQ(held[0].head.to, kCallee);
    EXPECT_EQ(sw.connections(), 0U);
    EXPECT_EQ(sw.open_at(kInstanceOne), 0U);
}

TEST_P(Hold, ResetAfterTheAnswerReachesTheCaller) {
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne}, DF_VIP_HOLD);
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80), replayed());
    answer_call(40000);
    EXPECT_EQ(answer_call(40000, flag::kRst | flag::kAck).verdict, kNext);
}

TEST_P(Hold, GivenUpCallIsRefused) {
    const auto outcome = sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80), given_up());
    ASSERT_EQ(outcome.verdict, kRedirect);
    EXPECT_EQ(look(outcome.frame).tcp_flags & flag::kRst, flag::kRst);
    EXPECT_EQ(sw.counted(DF_REASON_HOLD_EXPIRED, DF_HOOK_FROM_POD), 1U);
    EXPECT_EQ(sw.from_pod(caller_if, udp(pod(1), 5000, vip(2), 80), given_up()).verdict, kRedirect);
}

TEST_P(Hold, RevokedMeanwhileIsDeniedOnReplay) {
    sw.revoke(kEdgeCall);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80), replayed()).verdict,
              kRedirect);
    EXPECT_EQ(sw.denied(kCaller, kCallee, DF_REASON_NO_EDGE), 1U);
}

TEST_P(Hold, UnknownSourceInAPodNetworkWaitsForItsName) {
    if (!Switch::ingress_supported()) {
        GTEST_SKIP() << "this kernel's test runs cannot set ingress_ifindex";
    }
    const auto syn = tcp(pod(99), 40000, pod(2), 8080);
    EXPECT_EQ(sw.to_pod(callee_if, syn).verdict, kShot);
    const auto held = sw.held();
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0].head.kind, DF_HELD_UNKNOWN_SOURCE);
    EXPECT_EQ(held[0].frame, syn);
}

TEST_P(Hold, UnknownSourceIsLetInOnceItIsKnown) {
    const auto syn = tcp(pod(99), 40000, pod(2), 8080);
    EXPECT_EQ(
        sw.to_pod(callee_if, syn, {.mark = sw.config().mark_replay, .forwarded = false}).verdict,
        kShot)
        << "still unknown: the agent keeps it";
    sw.address(pod(99), kCaller, DF_ADDR_POD);
    EXPECT_EQ(
        sw.to_pod(callee_if, syn, {.mark = sw.config().mark_replay, .forwarded = false}).verdict,
        kNext);
}

TEST_P(Hold, UnknownSourceIsRefusedInTheEnd) {
    const auto syn = tcp(pod(99), 40000, pod(2), 8080);
    EXPECT_EQ(
        sw.to_pod(callee_if, syn, {.mark = sw.config().mark_refuse, .forwarded = false}).verdict,
        kRedirect);
    EXPECT_EQ(sw.counted(DF_REASON_UNKNOWN_SOURCE, DF_HOOK_TO_POD), 1U);
}

TEST_P(Hold, UnknownSourceMayCallIngressFunctionsAtOnce) {
    sw.veth(callee_if, kShop, {pod(6)});
    EXPECT_EQ(sw.to_pod(callee_if, tcp(pod(99), 40000, pod(6), 8080)).verdict, kNext);
}

TEST_P(Hold, FullRingDropsByNameAndCountsTheLoss) {
    for (std::uint16_t port = 1000; port < 2000; ++port) {
        sw.from_pod(caller_if, udp(pod(1), port, vip(2), 80, std::string(500, 'x')));
    }
    const auto lost = sw.ring_lost(DF_RING_HELD);
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(sw.counted(DF_REASON_HOLD_FULL, DF_HOOK_FROM_POD), lost);
    EXPECT_EQ(sw.held().size() + lost, 1000U);
}

}  // namespace
}  // namespace directfaas::packet
