// SPDX-License-Identifier: Apache-2.0
// Refusals are packets that a sender believes.
#include "agent/backend/ovs/frame.h"

#include <gtest/gtest.h>

#include "test/support/packet.h"
#include "test/support/packet_inspect.h"

namespace directfaas::backend::ovs {
namespace {

using namespace support;  // NOLINT(google-build-using-namespace): the packets' vocabulary

Layer ip(bool v4) {
    return v4 ? Layer{Ip4{.src = {"10.0.0.1"}, .dst = {"10.96.0.1"}}}
              : Layer{Ip6{.src = {"fd00::1"}, .dst = {"fd00:96::1"}}};
}

class Refusal : public testing::TestWithParam<bool> {
   protected:
    static ParsedPacket refused(const support::Bytes& frame) {
        const auto packet = parse_packet(frame);
        EXPECT_TRUE(packet);
        const auto answer = refusal(frame, packet->flow);
        EXPECT_TRUE(answer);
        EXPECT_EQ(checksum_problem(*answer), "");
        const auto parsed = parse_frame(*answer);
        EXPECT_TRUE(parsed);
        return *parsed;
    }
};

TEST_P(Refusal, SynIsReset) {
    const auto answer = refused((Eth{} / ip(GetParam()) / Tcp{.seq = 77}).bytes());
    EXPECT_EQ(answer.tcp_flags, tcp_flag::kRst | tcp_flag::kAck);
    EXPECT_EQ(answer.ack, 78U);
    EXPECT_EQ(answer.sport, 80);
    EXPECT_EQ(answer.dport, 40000);
    EXPECT_EQ(answer.src.text(), GetParam() ? "10.96.0.1" : "fd00:96::1");
}

TEST_P(Refusal, DataIsResetWhereItsSenderExpectsIt) {
    const auto answer = refused(
        (Eth{} / ip(GetParam()) / Tcp{.seq = 5, .ack = 900, .flags = tcp_flag::kAck} / Raw("hello"))
            .bytes());
    EXPECT_EQ(answer.tcp_flags, tcp_flag::kRst);
    EXPECT_EQ(answer.seq, 900U);
}

TEST_P(Refusal, ResetIsNotAnswered) {
    const auto frame = (Eth{} / ip(GetParam()) / Tcp{.flags = tcp_flag::kRst}).bytes();
    EXPECT_FALSE(refusal(frame, parse_packet(frame)->flow));
}

TEST_P(Refusal, DatagramIsProhibited) {
    const auto answer = refused((Eth{} / ip(GetParam()) / Udp{} / Raw("question")).bytes());
    EXPECT_EQ(answer.icmp_type, GetParam() ? 3 : 1);
    EXPECT_EQ(answer.icmp_code, GetParam() ? 13 : 1);
    ASSERT_TRUE(answer.quoted);
    EXPECT_EQ(answer.quoted->dport, 53);
    EXPECT_EQ(answer.quoted->dst.text(), GetParam() ? "10.96.0.1" : "fd00:96::1");
}

/// What was translated already is answered as its sender knows it.
TEST_P(Refusal, TranslatedPacketIsAnsweredFromTheVip) {
    const auto frame = (Eth{} / ip(GetParam()) / Tcp{.dport = 8080}).bytes();
    FlowTuple sent = parse_packet(frame)->flow;
    sent.destination = *util::IpAddress::parse(GetParam() ? "10.96.0.9" : "fd00:96::9");
    sent.destination_port = 80;
    const auto answer = refusal(frame, sent);
    ASSERT_TRUE(answer);
    EXPECT_EQ(checksum_problem(*answer), "");
    EXPECT_EQ(parse_frame(*answer)->src, sent.destination);
    EXPECT_EQ(parse_frame(*answer)->sport, 80);
}

TEST_P(Refusal, ReaddressedPacketHasRightChecksums) {
    auto frame = (Eth{} / ip(GetParam()) / Udp{} / Raw("x")).bytes();
    FlowTuple flow = parse_packet(frame)->flow;
    flow.destination = *util::IpAddress::parse(GetParam() ? "10.9.9.9" : "fd00:9::9");
    flow.destination_port = 9999;
    readdress(frame, flow);
    EXPECT_EQ(checksum_problem(frame), "");
    EXPECT_EQ(parse_packet(frame)->flow, flow);
}

TEST_P(Refusal, TruncatedFramesAreNoPackets) {
    const auto frame = (Eth{} / ip(GetParam()) / Tcp{}).bytes();
    for (std::size_t length = 0; length < frame.size(); ++length) {
        EXPECT_FALSE(parse_packet(std::span(frame).first(length))) << length;
    }
}

INSTANTIATE_TEST_SUITE_P(Families, Refusal, testing::Values(true, false),
                         [](const auto& test) { return test.param ? "v4" : "v6"; });

}  // namespace
}  // namespace directfaas::backend::ovs
