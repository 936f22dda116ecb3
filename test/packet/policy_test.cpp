// SPDX-License-Identifier: Apache-2.0
// Who may call whom: functions, entries, outsiders; by vIP and by pod IP; Enforce, Audit, Disabled.
#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

namespace flag = support::tcp_flag;

class Policy : public EitherFamily {};
DF_BOTH_FAMILIES(Policy);

TEST_P(Policy, SpoofedSourceGetsNothing) {
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(4), 40000, vip(3), 80)).verdict, kShot);
    EXPECT_EQ(sw.from_pod(caller_if, udp(outside(1), 5000, outside(2), 53)).verdict, kShot);
    EXPECT_EQ(sw.counted(DF_REASON_SPOOFED, DF_HOOK_FROM_POD), 2U);
}

TEST_P(Policy, AddressesOfAPodThatIsGettingOneAreExempt) {
    const auto dhcp =
        v4() ? udp("0.0.0.0", 68, "255.255.255.255", 67) : udp("fe80::1", 546, "ff02::1:2", 547);
    EXPECT_EQ(sw.from_pod(caller_if, dhcp).verdict, kNext);
    if (v4()) {
        EXPECT_EQ(sw.from_pod(caller_if, udp("0.0.0.0", 68, pod(2), 8080)).verdict, kShot);
        EXPECT_EQ(sw.from_pod(caller_if, (support::Eth{} / support::Arp{}).bytes()).verdict, kNext);
    } else {
        const auto solicit = (support::Eth{} / support::Ip6{.src = "::", .dst = "ff02::1:ff00:1"} /
                              support::Icmp6{.type = 135})
                                 .bytes();
        EXPECT_EQ(sw.from_pod(caller_if, solicit).verdict, kNext);
        EXPECT_EQ(sw.to_pod(callee_if, solicit).verdict, kNext);
    }
}

TEST_P(Policy, EntryMayCallIngressFunctionsOnly) {
    sw.veth(caller_if, kGateway, {pod(4)});
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(4), 40000, vip(3), 80)).verdict, kNext);
    EXPECT_EQ(sw.edge_stats(kEdgeGatewayShop).opened, 1U);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(4), 40000, vip(2), 80)).verdict, kRedirect);
    EXPECT_EQ(sw.denied(kGateway, kCallee, DF_REASON_NO_EDGE), 1U);
}

TEST_P(Policy, NothingThatEntersAnEntryIsJudged) {
    sw.veth(caller_if, kGateway, {pod(4)});
    EXPECT_EQ(sw.to_pod(caller_if, tcp(outside(1), 40000, pod(4), 80)).verdict, kNext);
    EXPECT_EQ(sw.to_pod(caller_if, udp(outside(1), 40000, pod(4), 53)).verdict, kNext);
    EXPECT_EQ(sw.connections(), 0U);
}

TEST_P(Policy, OutsiderMayCallIngressFunctionsAndIsCountedAtTheirEnd) {
    sw.veth(callee_if, kShop, {pod(6)});
    EXPECT_EQ(sw.to_pod(callee_if, tcp(outside(1), 40000, pod(6), 8080)).verdict, kNext);
    EXPECT_EQ(sw.edge_stats(kEdgeOutsideShop).opened, 1U);
    EXPECT_EQ(sw.fn_stats(kShop).opened, 1U);
    EXPECT_EQ(sw.from_pod(callee_if, tcp(pod(6), 8080, outside(1), 40000, flag::kFin | flag::kAck))
                  .verdict,
              kNext);
    EXPECT_EQ(sw.edge_stats(kEdgeOutsideShop).closed_callee, 1U);
}

TEST_P(Policy, OutsiderMayNotCallInternalFunctions) {
    EXPECT_EQ(sw.to_pod(callee_if, tcp(outside(1), 40000, pod(2), 8080)).verdict, kRedirect);
    EXPECT_EQ(sw.to_pod(callee_if, udp(outside(1), 5000, pod(2), 8080)).verdict, kRedirect);
    EXPECT_EQ(sw.denied(kOutside, kCallee, DF_REASON_NO_EDGE), 2U);
}

TEST_P(Policy, NodesOwnProbesPass) {
    EXPECT_EQ(
        sw.to_pod(callee_if, tcp(outside(1), 40000, pod(2), 8080), {.forwarded = false}).verdict,
        kNext);
    EXPECT_EQ(sw.counted(DF_REASON_PROBE, DF_HOOK_TO_POD), 1U);
}

TEST_P(Policy, OpenPortIsForAnybodyAndUndeclaredPortsForNobody) {
    EXPECT_EQ(sw.to_pod(callee_if, tcp(outside(1), 40000, pod(2), 9090)).verdict, kNext);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, pod(2), 9090)).verdict, kNext);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 0U);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, pod(2), 22)).verdict, kRedirect);
    EXPECT_EQ(sw.counted(DF_REASON_PORT_CLOSED, DF_HOOK_FROM_POD), 1U);
}

TEST_P(Policy, CalleesEndDeniesAFunctionWithoutAnEdge) {
    EXPECT_EQ(sw.to_pod(callee_if, tcp(pod(6), 40000, pod(2), 8080)).verdict, kRedirect);
    EXPECT_EQ(sw.denied(kShop, kCallee, DF_REASON_NO_EDGE), 1U);
}

/// As a bridge gives it to all its ports. Nobody answers what was sent to a group (RFC 1122 3.2.2).
TEST_P(Policy, WhatGoesToAGroupIsNoCall) {
    for (const auto& from : {pod(6), outside(1)}) {
        auto datagram = udp(from, 5353, v4() ? "224.0.0.251" : "ff02::fb", 5353);
        datagram[0] |= 1U;  // the frame's destination
        EXPECT_EQ(sw.to_pod(callee_if, datagram).verdict, kShot);
    }
    EXPECT_EQ(sw.counted(DF_REASON_NO_EDGE, DF_HOOK_TO_POD), 2U);
    EXPECT_EQ(sw.denied(kShop, kCallee, DF_REASON_NO_EDGE), 0U);
    EXPECT_EQ(sw.denied(kOutside, kCallee, DF_REASON_NO_EDGE), 0U);
}

TEST_P(Policy, VipAsSourceIsSpoofed) {
    EXPECT_EQ(sw.to_pod(callee_if, tcp(vip(3), 40000, pod(2), 8080)).verdict, kShot);
    EXPECT_EQ(sw.counted(DF_REASON_SPOOFED, DF_HOOK_TO_POD), 1U);
}

TEST_P(Policy, AuditLetsThroughAndCounts) {
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(5), 80)).verdict, kNext);
    EXPECT_EQ(sw.fn_stats(kAudited).audited, 1U);
    EXPECT_EQ(sw.fn_stats(kAudited).opened, 1U);
    EXPECT_EQ(sw.denied(kCaller, kAudited, DF_REASON_AUDITED), 1U);
    ASSERT_EQ(sw.events().size(), 1U);
}

TEST_P(Policy, AuditToEnforceBreaksNoOpenConnection) {
    ASSERT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(5), 80)).verdict, kNext);
    sw.identity(kAudited, DF_FN_FUNCTION, 0, "audited");
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(5), 80, flag::kAck, "x")).verdict,
              kNext);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40001, vip(5), 80)).verdict, kRedirect);
}

TEST_P(Policy, DisabledJudgesNothing) {
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(7), 80)).verdict, kNext);
    EXPECT_EQ(sw.fn_stats(kFree).audited, 0U);
    EXPECT_EQ(sw.fn_stats(kFree).denied, 0U);
}

TEST_P(Policy, EgressToWhatIsNoFunctionIsFreeAndItsRepliesComeIn) {
    const auto query = udp(pod(2), 5000, outside(53), 53);
    const auto sent = sw.from_pod(callee_if, query);
    EXPECT_EQ(sent.verdict, kNext);
    EXPECT_EQ(sent.frame, query);
    EXPECT_EQ(sw.to_pod(callee_if, udp(outside(53), 53, pod(2), 5000)).verdict, kNext);
    EXPECT_EQ(sw.to_pod(callee_if, udp(outside(54), 53, pod(2), 5000)).verdict, kRedirect)
        << "nobody has asked this one";
    EXPECT_EQ(sw.from_pod(callee_if, tcp(pod(2), 40000, outside(1), 443)).verdict, kNext);
    EXPECT_EQ(
        sw.to_pod(callee_if, tcp(outside(1), 443, pod(2), 40000, flag::kSyn | flag::kAck)).verdict,
        kNext);
}

TEST_P(Policy, MidflowPacketsAreLeftToTheStackUnlessTheyGoToAVip) {
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, pod(2), 8080, flag::kAck)).verdict, kNext);
    EXPECT_EQ(sw.counted(DF_REASON_MIDFLOW, DF_HOOK_FROM_POD), 1U);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kAck)).verdict,
              kRedirect);
    sw.veth(caller_if, kCaller, {pod(1)}, DF_VETH_ADOPTED);
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kAck)).verdict, kNext);
    EXPECT_EQ(sw.to_pod(callee_if, tcp(pod(1), 40000, pod(2), 8080, flag::kAck)).verdict, kNext);
}

TEST_P(Policy, DrainLeavesNewConnectionsToTheStackAndKeepsOldOnes) {
    open_call(40000);
    auto config = sw.config();
    config.flags |= DF_CONFIG_DRAIN;
    sw.configure(config);
    const auto fresh = tcp(pod(1), 40001, vip(2), 80);
    const auto untouched = sw.from_pod(caller_if, fresh);
    EXPECT_EQ(untouched.verdict, kNext);
    EXPECT_EQ(untouched.frame, fresh);
    EXPECT_EQ(look(answer_call(40000).frame).src.text(), vip(2));
}

TEST_P(Policy, InterfaceThatIsNotOursIsLeftAlone) {
    EXPECT_EQ(sw.from_pod(1, tcp(pod(4), 40000, vip(2), 80)).verdict, kNext);
    EXPECT_EQ(sw.to_pod(1, tcp(pod(4), 40000, pod(2), 8080)).verdict, kNext);
    EXPECT_EQ(sw.connections(), 0U);
}

/// Functions may ask whatever is no function, an entry too; what it answers is no call of its own.
TEST_P(Policy, EntryAnswersAFunctionThatAsksIt) {
    sw.veth(caller_if, kGateway, {pod(4)});
    const auto answer = udp(pod(4), 53, pod(2), 5000);
    EXPECT_NE(sw.from_pod(caller_if, answer).verdict, kNext) << "a call, and not an edge";
    EXPECT_EQ(sw.to_pod(caller_if, udp(pod(2), 5000, pod(4), 53)).verdict, kNext);
    EXPECT_EQ(sw.from_pod(caller_if, answer).verdict, kNext);
    EXPECT_NE(sw.from_pod(caller_if, udp(pod(4), 54, pod(2), 5000)).verdict, kNext);

    EXPECT_EQ(sw.to_pod(caller_if, tcp(pod(2), 5001, pod(4), 80)).verdict, kNext);
    EXPECT_EQ(
        sw.from_pod(caller_if, tcp(pod(4), 80, pod(2), 5001, flag::kSyn | flag::kAck)).verdict,
        kNext);
    EXPECT_EQ(sw.counted(DF_REASON_MIDFLOW, DF_HOOK_FROM_POD), 0U);
}

}  // namespace
}  // namespace directfaas::packet
