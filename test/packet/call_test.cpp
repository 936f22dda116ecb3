// SPDX-License-Identifier: Apache-2.0
// A call from SYN to FIN, by vIP and by pod IP, at the caller's end and at the callee's.
#include <numeric>

#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

using support::Bytes;
namespace flag = support::tcp_flag;

class Call : public EitherFamily {};
DF_BOTH_FAMILIES(Call);

TEST_P(Call, SynToVipIsRewrittenToTheInstance) {
    const auto seen = look(open_call(40000).frame);
    EXPECT_EQ(seen.dst.text(), pod(2));
    EXPECT_EQ(seen.dport, 8080);
    EXPECT_EQ(seen.src.text(), pod(1));
    EXPECT_EQ(seen.sport, 40000);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
    EXPECT_EQ(sw.fn_stats(kCallee).opened, 1U);
    EXPECT_EQ(sw.open_at(kInstanceOne), 1U);
}

TEST_P(Call, AnswerComesFromTheVip) {
    open_call(40000);
    const auto answer = answer_call(40000);
    EXPECT_EQ(answer.verdict, kNext);
    const auto seen = look(answer.frame);
    EXPECT_EQ(seen.src.text(), vip(2));
    EXPECT_EQ(seen.sport, 80);
    EXPECT_EQ(seen.dst.text(), pod(1));
    EXPECT_EQ(seen.dport, 40000);
    const auto stats = sw.edge_stats(kEdgeCall);
    std::uint64_t handshakes = 0;
    for (const auto bucket : stats.handshake) {
        handshakes += bucket;
    }
    EXPECT_EQ(handshakes, 1U);
    EXPECT_GT(stats.handshake_sum_ns, 0U);
}

TEST_P(Call, LaterSegmentsFollowTheSameInstanceAndCountBytes) {
    const auto syn = open_call(40000);
    answer_call(40000);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceTwo});
    const auto data = tcp(pod(1), 40000, vip(2), 80, flag::kAck | flag::kPsh, "hello");
    const auto sent = sw.from_pod(caller_if, data);
    EXPECT_EQ(sent.verdict, kNext);
    EXPECT_EQ(look(sent.frame).dst.text(), pod(2));
    EXPECT_EQ(sw.edge_stats(kEdgeCall).bytes_request,
              syn.frame.size() + data.size() - 2 * std::size_t{14});
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
}

TEST_P(Call, RetransmittedSynIsOneConnectionToTheSameInstance) {
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne, kInstanceTwo});
    const auto first = look(open_call(40000).frame);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(look(open_call(40000).frame).dst, first.dst);
    }
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
    EXPECT_EQ(sw.connections(), 2U);
}

TEST_P(Call, CloseIsCountedOnceAndNamesTheFirstToClose) {
    open_call(40000);
    answer_call(40000);
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kFin | flag::kAck));
    answer_call(40000, flag::kFin | flag::kAck);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).closed_caller, 1U);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).closed_callee, 0U);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).reset, 0U);
    EXPECT_EQ(sw.open_at(kInstanceOne), 0U);
}

TEST_P(Call, ResetByTheInstanceIsCountedAsTheCallees) {
    open_call(40000);
    answer_call(40000);
    answer_call(40000, flag::kRst | flag::kAck);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).closed_callee, 1U);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).reset, 1U);
}

TEST_P(Call, PortReuseAfterCloseIsANewConnection) {
    open_call(40000);
    answer_call(40000);
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kFin | flag::kAck));
    answer_call(40000, flag::kFin | flag::kAck);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceTwo});
    EXPECT_EQ(look(open_call(40000).frame).dst.text(), pod(3));
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 2U);
    EXPECT_EQ(sw.open_at(kInstanceTwo), 1U);
}

/// A server in TIME-WAIT answers a SYN with a bare ACK; the caller resets that and tries again.
TEST_P(Call, SynSentAgainAfterAnAckFromTheLastConnectionIsOneConnection) {
    open_call(40000);
    answer_call(40000, flag::kAck);
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kRst));
    open_call(40000);
    answer_call(40000);
    const auto stats = sw.edge_stats(kEdgeCall);
    EXPECT_EQ(stats.opened, 1U);
    EXPECT_EQ(stats.reset, 0U);
    EXPECT_EQ(std::accumulate(std::begin(stats.handshake), std::end(stats.handshake), 0ULL), 1U);
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kRst));
    EXPECT_EQ(sw.edge_stats(kEdgeCall).reset, 1U) << "a reset after the answer is one";
}

TEST_P(Call, SynSentAgainByAnOutsiderIsOneConnectionToo) {
    sw.veth(callee_if, kShop, {pod(6)});
    const auto syn = tcp(outside(1), 40000, pod(6), 8080);
    sw.to_pod(callee_if, syn);
    sw.from_pod(callee_if, tcp(pod(6), 8080, outside(1), 40000, flag::kAck));
    sw.to_pod(callee_if, tcp(outside(1), 40000, pod(6), 8080, flag::kRst));
    sw.to_pod(callee_if, syn);
    EXPECT_EQ(sw.edge_stats(kEdgeOutsideShop).opened, 1U);
}

TEST_P(Call, SynBeforeTheAnswerLeavesADrainingInstance) {
    open_call(40000);
    sw.endpoint_state(kInstanceOne, DF_EP_DRAINING);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceTwo});
    EXPECT_EQ(look(open_call(40000).frame).dst.text(), pod(3));
}

TEST_P(Call, DrainingInstanceKeepsItsConnections) {
    open_call(40000);
    answer_call(40000);
    sw.endpoint_state(kInstanceOne, DF_EP_DRAINING);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceTwo});
    const auto sent = sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kAck, "x"));
    EXPECT_EQ(sent.verdict, kNext);
    EXPECT_EQ(look(sent.frame).dst.text(), pod(2));
}

TEST_P(Call, ByPodIpIsJudgedAndCountedButNotRewritten) {
    const auto syn = tcp(pod(1), 40000, pod(2), 8080);
    const auto outcome = sw.from_pod(caller_if, syn);
    EXPECT_EQ(outcome.verdict, kNext);
    EXPECT_EQ(outcome.frame, syn);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
}

TEST_P(Call, IsAcceptedAtTheCalleesEndAndNotCountedTwice) {
    const auto arrived = tcp(pod(1), 40000, pod(2), 8080);
    EXPECT_EQ(sw.to_pod(callee_if, arrived).verdict, kNext);
    const auto reply = tcp(pod(2), 8080, pod(1), 40000, flag::kSyn | flag::kAck);
    const auto outcome = sw.from_pod(callee_if, reply);
    EXPECT_EQ(outcome.verdict, kNext);
    EXPECT_EQ(outcome.frame, reply);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 0U);
}

TEST_P(Call, UdpIsRewrittenBothWays) {
    const auto sent = sw.from_pod(caller_if, udp(pod(1), 5000, vip(2), 80));
    EXPECT_EQ(sent.verdict, kNext);
    EXPECT_EQ(look(sent.frame).dst.text(), pod(2));
    EXPECT_EQ(look(sent.frame).dport, 8080);
    const auto reply = sw.to_pod(caller_if, udp(pod(2), 8080, pod(1), 5000));
    EXPECT_EQ(reply.verdict, kNext);
    EXPECT_EQ(look(reply.frame).src.text(), vip(2));
    EXPECT_EQ(look(reply.frame).sport, 80);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
}

TEST_P(Call, UdpMovesToAnotherInstanceWhenItsOwnIsGone) {
    sw.from_pod(caller_if, udp(pod(1), 5000, vip(2), 80));
    sw.endpoint_state(kInstanceOne, DF_EP_FREE);
    sw.route(kRouteUdp, vip(2), 80, IPPROTO_UDP, kCallee, {kInstanceTwo});
    const auto sent = sw.from_pod(caller_if, udp(pod(1), 5000, vip(2), 80));
    EXPECT_EQ(sent.verdict, kNext);
    EXPECT_EQ(look(sent.frame).dst.text(), pod(3));
}

TEST_P(Call, TwoInstancesShareTheLoadEvenly) {
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne, kInstanceTwo});
    for (std::uint16_t port = 40000; port < 40200; ++port) {
        open_call(port);
    }
    // Two choices by open connections: with two instances the difference stays at most a few.
    const auto one = static_cast<int>(sw.open_at(kInstanceOne));
    const auto two = static_cast<int>(sw.open_at(kInstanceTwo));
    EXPECT_EQ(one + two, 200);
    EXPECT_LE(std::abs(one - two), 2);
}

TEST_P(Call, ClientKeepsItsInstanceWhileThatIsReadyAndTheTimeIsNotOver) {
    constexpr std::uint32_t kSeconds = 600;
    const std::vector<std::uint32_t> both{kInstanceOne, kInstanceTwo};
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, both, 0, kSeconds);
    const auto first = look(open_call(40000).frame).dst.text();
    auto open_next = [this, port = std::uint16_t{40000}]() mutable {
        return look(open_call(++port).frame).dst.text();
    };
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(open_next(), first);
    }
    // By now the other one has fewer connections: a choice would fall on it.
    const auto other = first == pod(2) ? pod(3) : pod(2);
    sw.age_affinity(std::chrono::seconds{kSeconds + 1});
    EXPECT_EQ(open_next(), other);
    EXPECT_EQ(open_next(), other) << "its last connection counts";

    const auto left = first == pod(2) ? kInstanceOne : kInstanceTwo;
    const auto gone = other == pod(2) ? kInstanceOne : kInstanceTwo;
    sw.endpoint_state(gone, DF_EP_DRAINING);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {left}, 0, kSeconds);
    EXPECT_EQ(open_next(), first);
    sw.endpoint_state(gone, DF_EP_READY);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, both, 0, kSeconds);
    EXPECT_EQ(open_next(), first);
}

TEST_P(Call, OfAFunctionToItselfGoesBackToThePodFromASourceOfItsOwn) {
    sw.edge(kEdgeSelf, kCallee, kCallee);
    const auto sent = sw.from_pod(callee_if, tcp(pod(2), 40000, vip(2), 80));
    ASSERT_EQ(sent.verdict, kRedirect);
    const auto seen = look(sent.frame);
    EXPECT_EQ(seen.dst.text(), pod(2));
    EXPECT_EQ(seen.dport, 8080);
    EXPECT_EQ(seen.src.text(), v4() ? "169.254.42.1" : "100::df");
    EXPECT_EQ(seen.eth_dst, (support::Mac{2, 0, 0, 0, 0, 1})) << "back to where it came from";
    EXPECT_EQ(sw.to_pod(callee_if, sent.frame).verdict, kNext);

    const auto reply = sw.from_pod(
        callee_if, tcp(pod(2), 8080, seen.src.text(), seen.sport, flag::kSyn | flag::kAck));
    ASSERT_EQ(reply.verdict, kRedirect);
    const auto back = look(reply.frame);
    EXPECT_EQ(back.src.text(), vip(2));
    EXPECT_EQ(back.sport, 80);
    EXPECT_EQ(back.dst.text(), pod(2));
    EXPECT_EQ(back.dport, 40000);
    EXPECT_EQ(sw.to_pod(callee_if, reply.frame).verdict, kNext);
}

TEST_P(Call, OnePortToTwoVipsWithOneInstanceGetsTwoPortsOnTheWire) {
    sw.route(9, vip(2), 82, IPPROTO_TCP, kCallee, {kInstanceOne});
    const auto first = look(open_call(40000).frame);
    const auto other = sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 82));
    ASSERT_EQ(other.verdict, kNext);
    const auto second = look(other.frame);
    EXPECT_EQ(first.sport, 40000);
    EXPECT_NE(second.sport, 40000);
    const auto answer =
        sw.to_pod(caller_if, tcp(pod(2), 8080, pod(1), second.sport, flag::kSyn | flag::kAck));
    ASSERT_EQ(answer.verdict, kNext);
    const auto back = look(answer.frame);
    EXPECT_EQ(back.dport, 40000);
    EXPECT_EQ(back.sport, 82);
}

TEST_P(Call, PingOfAnInstanceFollowsTheEdge) {
    const auto echo = [&](const std::string& to) {
        return v4() ? (ip(pod(1), to) / support::Icmp4{}).bytes()
                    : (ip(pod(1), to) / support::Icmp6{}).bytes();
    };
    EXPECT_EQ(sw.from_pod(caller_if, echo(pod(2))).verdict, kNext);
    EXPECT_EQ(sw.from_pod(caller_if, echo(pod(6))).verdict, kShot);
}

}  // namespace
}  // namespace directfaas::packet
