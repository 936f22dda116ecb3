// SPDX-License-Identifier: Apache-2.0
// The fast path: caller and instance on veths of this node, from hook to pod, past the stack.
#include <numeric>

#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

using support::Bytes;
using support::Mac;
namespace flag = support::tcp_flag;

constexpr Mac kCallerMac{2, 0, 0, 0, 1, 1};
constexpr Mac kCalleeMac{2, 0, 0, 0, 2, 2};
constexpr std::size_t kEthernet = 14;

Mac destination_mac(const Bytes& frame) {
    Mac mac{};
    std::copy_n(frame.begin(), mac.size(), mac.begin());
    return mac;
}

class Fast : public EitherFamily {
   protected:
    void SetUp() override {
        EitherFamily::SetUp();
        place_caller(DF_VETH_FAST);
        place_callee(DF_VETH_FAST);
        sw.endpoint_place(kInstanceOne, callee_if, true);
    }
    void place_caller(std::uint16_t flags, std::uint16_t mtu = 1500) {
        sw.veth(caller_if, kCaller, {pod(1)}, flags, mtu, kCallerMac);
    }
    void place_callee(std::uint16_t flags, std::uint16_t mtu = 1500) {
        sw.veth(callee_if, kCallee, {pod(2)}, flags, mtu, kCalleeMac);
    }
    Outcome send(std::uint8_t flags = flag::kSyn, const std::string& payload = {},
                 Metadata metadata = {}) {
        return sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flags, payload), metadata);
    }
    Outcome answer(std::uint8_t flags = flag::kSyn | flag::kAck, const std::string& payload = {}) {
        return sw.from_pod(callee_if, tcp(pod(2), 8080, pod(1), 40000, flags, payload));
    }
    void open() {
        EXPECT_EQ(send().verdict, kRedirect);
        EXPECT_EQ(answer().verdict, kRedirect);
        EXPECT_EQ(send(flag::kAck).verdict, kRedirect);
    }
    void expect_by_stack(const std::string& why) {
        EXPECT_EQ(send().verdict, kNext) << why;
        EXPECT_EQ(sw.connections(), 2U) << why;
    }
};
DF_BOTH_FAMILIES(Fast);

TEST_P(Fast, CallGoesIntoTheInstancesPod) {
    const auto sent = send();
    ASSERT_EQ(sent.verdict, kRedirect);
    EXPECT_EQ(destination_mac(sent.frame), kCalleeMac);
    const auto seen = look(sent.frame);
    EXPECT_EQ(seen.src.text(), pod(1));
    EXPECT_EQ(seen.dst.text(), pod(2));
    EXPECT_EQ(seen.dport, 8080);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
    EXPECT_EQ(sw.fn_stats(kCallee).opened, 1U);
    EXPECT_EQ(sw.open_at(kInstanceOne), 1U);
}

TEST_P(Fast, AnswerGoesIntoTheCallersPodFromTheVip) {
    send();
    const auto sent = answer();
    ASSERT_EQ(sent.verdict, kRedirect);
    EXPECT_EQ(destination_mac(sent.frame), kCallerMac);
    const auto seen = look(sent.frame);
    EXPECT_EQ(seen.src.text(), vip(2));
    EXPECT_EQ(seen.sport, 80);
    EXPECT_EQ(seen.dst.text(), pod(1));
    EXPECT_EQ(seen.dport, 40000);
    const auto stats = sw.edge_stats(kEdgeCall);
    EXPECT_EQ(std::accumulate(std::begin(stats.handshake), std::end(stats.handshake), 0ULL), 1U);
}

TEST_P(Fast, BytesOfBothDirectionsAreCounted) {
    open();
    const auto before = sw.edge_stats(kEdgeCall);
    const auto request = send(flag::kAck | flag::kPsh, "a question");
    const auto reply = answer(flag::kAck | flag::kPsh, "its answer, longer");
    const auto after = sw.edge_stats(kEdgeCall);
    EXPECT_EQ(after.bytes_request - before.bytes_request, request.frame.size() - kEthernet);
    EXPECT_EQ(after.bytes_reply - before.bytes_reply, reply.frame.size() - kEthernet);
}

TEST_P(Fast, SynSentAgainIsOneConnection) {
    send();
    send();
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
    EXPECT_EQ(sw.connections(), 3U);
}

TEST_P(Fast, CloseIsCountedOnceAndNamesTheFirstToClose) {
    open();
    answer(flag::kFin | flag::kAck);
    send(flag::kFin | flag::kAck);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).closed_callee, 1U);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).closed_caller, 0U);
    EXPECT_EQ(sw.open_at(kInstanceOne), 0U);
}

TEST_P(Fast, PortReuseAfterCloseIsANewConnection) {
    open();
    send(flag::kFin | flag::kAck);
    answer(flag::kFin | flag::kAck);
    open();
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 2U);
    EXPECT_EQ(sw.open_at(kInstanceOne), 1U);
    EXPECT_EQ(sw.connections(), 3U);
}

TEST_P(Fast, NotWhereSomethingWouldBeBypassed) {
    place_caller(0);
    expect_by_stack("the caller's interface");
}
TEST_P(Fast, NotWhereSomethingWouldBeBypassedAtTheInstance) {
    place_callee(0);
    expect_by_stack("the instance's interface");
}
TEST_P(Fast, NotToAnInstanceOfAnotherNode) {
    sw.endpoint_place(kInstanceOne, 0, true);
    expect_by_stack("no interface");
}
TEST_P(Fast, NotToAnInterfaceThatTakesLessAtOnce) {
    place_callee(DF_VETH_FAST, 1400);
    expect_by_stack("MTU");
}
TEST_P(Fast, NotForAFunctionThatSaysNo) {
    sw.identity(kCallee, DF_FN_FUNCTION, DF_FN_STACK, "callee");
    expect_by_stack("the callee's chain");
}
TEST_P(Fast, NotForACallerThatSaysNo) {
    sw.identity(kCaller, DF_FN_FUNCTION, DF_FN_STACK, "caller");
    expect_by_stack("the caller's chain");
}
TEST_P(Fast, NotOnANodeThatSaysNo) {
    auto config = sw.config();
    config.flags |= DF_CONFIG_STACK;
    sw.configure(config);
    expect_by_stack("the node");
}

TEST_P(Fast, ConnectionGoesOverToTheStackInBothDirectionsForGood) {
    open();
    sw.endpoint_place(kInstanceOne, callee_if, false);
    const auto before = sw.edge_stats(kEdgeCall);
    const auto request = send(flag::kAck | flag::kPsh, "x");
    ASSERT_EQ(request.verdict, kNext);
    EXPECT_EQ(look(request.frame).dst.text(), pod(2));
    EXPECT_EQ(sw.to_pod(callee_if, request.frame).verdict, kNext);
    const auto reply = answer(flag::kAck | flag::kPsh, "y");
    ASSERT_EQ(reply.verdict, kNext);
    EXPECT_EQ(look(reply.frame).src.text(), pod(2));
    const auto back = sw.to_pod(caller_if, reply.frame);
    ASSERT_EQ(back.verdict, kNext);
    EXPECT_EQ(look(back.frame).src.text(), vip(2));
    const auto after = sw.edge_stats(kEdgeCall);
    EXPECT_EQ(after.bytes_reply - before.bytes_reply, reply.frame.size() - kEthernet);
    EXPECT_EQ(after.handshake_sum_ns, before.handshake_sum_ns);

    sw.endpoint_place(kInstanceOne, callee_if, true);
    EXPECT_EQ(send(flag::kAck).verdict, kNext);
    EXPECT_EQ(answer(flag::kAck).verdict, kNext);
    EXPECT_EQ(after.opened, 1U);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40001, vip(2), 80, flag::kSyn)).verdict, kRedirect)
        << "a new connection may take it again";
}

TEST_P(Fast, DatagramsGoOverToTheStackForGood) {
    const auto datagram = udp(pod(1), 5000, vip(2), 80);
    const auto reply = udp(pod(2), 8080, pod(1), 5000);
    EXPECT_EQ(sw.from_pod(caller_if, datagram).verdict, kRedirect);
    EXPECT_EQ(sw.from_pod(callee_if, reply).verdict, kRedirect);
    sw.endpoint_place(kInstanceOne, callee_if, false);
    const auto sent = sw.from_pod(caller_if, datagram);
    ASSERT_EQ(sent.verdict, kNext);
    EXPECT_EQ(sw.to_pod(callee_if, sent.frame).verdict, kNext);
    ASSERT_EQ(sw.from_pod(callee_if, reply).verdict, kNext);
    EXPECT_EQ(look(sw.to_pod(caller_if, reply).frame).src.text(), vip(2));
    sw.endpoint_place(kInstanceOne, callee_if, true);
    EXPECT_EQ(sw.from_pod(caller_if, datagram).verdict, kNext);
    EXPECT_EQ(sw.from_pod(callee_if, reply).verdict, kNext);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
}

TEST_P(Fast, RevokedEdgeEndsBothDirections) {
    open();
    sw.revoke(kEdgeCall);
    const auto refused = answer(flag::kAck | flag::kPsh, "still?");
    EXPECT_EQ(refused.verdict, kRedirect);
    EXPECT_TRUE(look(refused.frame).tcp_flags & flag::kRst) << "back to the instance";
    EXPECT_EQ(look(refused.frame).dst.text(), pod(2));
    EXPECT_EQ(sw.connections(), 0U);
    EXPECT_TRUE(look(send(flag::kAck).frame).tcp_flags & flag::kRst);
    EXPECT_EQ(sw.open_at(kInstanceOne), 0U);
}

TEST_P(Fast, InstanceThatIsGoneMeansAReset) {
    open();
    sw.endpoint_state(kInstanceOne, DF_EP_FREE);
    EXPECT_TRUE(look(send(flag::kAck).frame).tcp_flags & flag::kRst);
    EXPECT_EQ(sw.connections(), 0U);
    EXPECT_EQ(sw.counted(DF_REASON_ENDPOINT_GONE, DF_HOOK_FROM_POD), 1U);
}

TEST_P(Fast, ResetOfAReplayedCallIsSwallowedAndReported) {
    EXPECT_EQ(send(flag::kSyn, {}, {.mark = sw.config().mark_replay}).verdict, kRedirect);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 0U) << "counts when it is answered";
    EXPECT_EQ(answer(flag::kRst | flag::kAck).verdict, kShot);
    EXPECT_EQ(sw.counted(DF_REASON_REPLAY_RESET, DF_HOOK_FROM_POD), 1U);
    EXPECT_EQ(sw.connections(), 0U);
    EXPECT_EQ(sw.open_at(kInstanceOne), 0U);
    const auto held = sw.held();
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0].head.kind, DF_HELD_RESET);
    EXPECT_EQ(held[0].head.ifindex, caller_if);
    EXPECT_EQ(held[0].head.sport, htons(40000));
    EXPECT_EQ(held[0].head.dport, htons(80));
    send(flag::kSyn, {}, {.mark = sw.config().mark_replay});
    EXPECT_EQ(answer().verdict, kRedirect);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 1U);
}

TEST_P(Fast, FragmentsFollowTheirFirst) {
    const auto datagram = udp(pod(1), 5000, vip(2), 80, std::string(3000, 'x'));
    for (const auto& part : support::fragment(datagram, 1280, 77)) {
        const auto sent = sw.from_pod(caller_if, part);
        ASSERT_EQ(sent.verdict, kRedirect);
        EXPECT_EQ(support::parse_frame(sent.frame)->dst.text(), pod(2));
        EXPECT_EQ(destination_mac(sent.frame), kCalleeMac);
    }
    const auto reply = udp(pod(2), 8080, pod(1), 5000, std::string(3000, 'y'));
    for (const auto& part : support::fragment(reply, 1280, 78)) {
        const auto sent = sw.from_pod(callee_if, part);
        ASSERT_EQ(sent.verdict, kRedirect);
        EXPECT_EQ(support::parse_frame(sent.frame)->src.text(), vip(2));
        EXPECT_EQ(destination_mac(sent.frame), kCallerMac);
    }
}

TEST_P(Fast, ErrorsTakeTheSameWay) {
    const auto sent = sw.from_pod(caller_if, udp(pod(1), 5000, vip(2), 80));
    const auto error = sw.from_pod(callee_if, unreachable(pod(2), pod(1), sent.frame));
    ASSERT_EQ(error.verdict, kRedirect);
    EXPECT_EQ(destination_mac(error.frame), kCallerMac);
    const auto seen = look(error.frame);
    EXPECT_EQ(seen.src.text(), vip(2));
    ASSERT_TRUE(seen.quoted);
    EXPECT_EQ(seen.quoted->dst.text(), vip(2));
    EXPECT_EQ(seen.quoted->dport, 80);

    const auto reply = sw.from_pod(callee_if, udp(pod(2), 8080, pod(1), 5000));
    const auto complaint = sw.from_pod(caller_if, unreachable(pod(1), vip(2), reply.frame));
    ASSERT_EQ(complaint.verdict, kRedirect);
    EXPECT_EQ(destination_mac(complaint.frame), kCalleeMac);
    EXPECT_EQ(look(complaint.frame).quoted->src.text(), pod(2));
}

TEST_P(Fast, TwoVipsOfOneInstanceAreToldApart) {
    sw.route(kRouteShop, vip(2), 82, IPPROTO_TCP, kCallee, {kInstanceOne});
    open();
    const auto second = sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 82));
    ASSERT_EQ(second.verdict, kRedirect);
    const auto wire = look(second.frame).sport;
    EXPECT_NE(wire, 40000);
    const auto reply =
        sw.from_pod(callee_if, tcp(pod(2), 8080, pod(1), wire, flag::kSyn | flag::kAck));
    EXPECT_EQ(look(reply.frame).sport, 82);
    EXPECT_EQ(look(reply.frame).dport, 40000);
    EXPECT_EQ(look(answer(flag::kAck).frame).sport, 80);
}

TEST_P(Fast, CallByPodIpIsToldApart) {
    open();
    const auto direct = sw.from_pod(caller_if, tcp(pod(1), 40000, pod(2), 8080));
    ASSERT_EQ(direct.verdict, kNext) << "calls by pod IP take the stack";
    EXPECT_NE(look(direct.frame).sport, 40000);
    EXPECT_EQ(answer(flag::kAck).verdict, kRedirect);
}

/// The node's connection tracker does not see the fast path: it may give a source port of it to a
/// call by kube-proxy's rules.
TEST_P(Fast, AnswersToWhatCameByTheStackAreNotThoseOfAnOlderConnection) {
    const auto syn = tcp(pod(1), 40000, pod(2), 8080, flag::kSyn);
    for (const bool drain : {false, true}) {
        open();
        send(flag::kFin | flag::kAck);
        answer(flag::kFin | flag::kAck);
        auto config = sw.config();
        config.flags = drain ? config.flags | DF_CONFIG_DRAIN : config.flags;
        sw.configure(config);
        EXPECT_EQ(sw.to_pod(callee_if, syn).verdict, kNext);
        const auto answered = answer();
        EXPECT_EQ(answered.verdict, kNext) << "drain " << drain;
        EXPECT_EQ(look(answered.frame).src.text(), pod(2)) << "drain " << drain;
    }
}

TEST_P(Fast, OpenConnectionKeepsItsPort) {
    open();
    EXPECT_EQ(sw.to_pod(callee_if, tcp(pod(1), 40000, pod(2), 8080, flag::kSyn)).verdict,
              kRedirect);
    EXPECT_EQ(sw.counted(DF_REASON_TUPLE_COLLISION, DF_HOOK_TO_POD), 1U);
    EXPECT_EQ(answer(flag::kAck | flag::kPsh, "of the open one").verdict, kRedirect);
}

TEST_P(Fast, InstanceThatAcceptsTooMuchIsSpared) {
    auto config = sw.config();
    config.budget_live = 1;
    sw.configure(config);
    EXPECT_EQ(sw.to_pod(callee_if, tcp(pod(1), 5000, pod(2), 8080)).verdict, kNext);
    EXPECT_EQ(send().verdict, kShot);
    EXPECT_EQ(sw.counted(DF_REASON_CT_BUDGET, DF_HOOK_FROM_POD), 1U);
}

TEST_P(Fast, FullTableLeavesNothingHalfOpen) {
    std::uint16_t sport = 1024;
    while (sw.from_pod(caller_if, tcp(pod(1), sport, vip(2), 80)).verdict == kRedirect) {
        ASSERT_LT(++sport, 4000) << "the table never filled";
    }
    EXPECT_EQ(sw.counted(DF_REASON_CT_FULL, DF_HOOK_FROM_POD), 1U);
    EXPECT_EQ(sw.connections() % 3, 0U) << "three halves each, or none";
    EXPECT_EQ(sw.open_at(kInstanceOne), sw.connections() / 3);
}

/// One entry is left, so that the first half of a pair fits and the second does not.
TEST_P(Fast, FullTableTakesNothingFromOthers) {
    open();
    place_caller(0);
    const auto first = tcp(pod(1), 1024, vip(2), 80);
    EXPECT_EQ(sw.from_pod(caller_if, first).verdict, kNext);
    std::uint16_t sport = 1025;
    do {
        EXPECT_EQ(sw.from_pod(caller_if, first).verdict, kNext) << "the same call, sent again";
        ASSERT_LT(++sport, 4000) << "the table never filled";
    } while (sw.from_pod(caller_if, tcp(pod(1), sport, vip(2), 80)).verdict == kNext);
    EXPECT_EQ(sw.counted(DF_REASON_CT_FULL, DF_HOOK_FROM_POD), 1U);
    EXPECT_EQ(sw.connections(), 1023U);
    const auto answer = tcp(pod(2), 8080, pod(1), 1024, flag::kSyn | flag::kAck);
    EXPECT_EQ(look(sw.to_pod(caller_if, answer).frame).src.text(), vip(2));
}

}  // namespace
}  // namespace directfaas::packet
