// SPDX-License-Identifier: Apache-2.0
// The builder against known bytes, and the verifier against frames that are wrong in one place.
#include "test/support/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/support/packet_inspect.h"

namespace directfaas::support {
namespace {

Bytes hex(std::string_view text) {
    Bytes out;
    std::string digits;
    for (const char character : text) {
        if (character != ' ') {
            digits += character;
        }
        if (digits.size() == 2) {
            out.push_back(static_cast<std::uint8_t>(std::stoi(digits, nullptr, 16)));
            digits.clear();
        }
    }
    return out;
}

TEST(Packet, WritesTheBytesOfAKnownSegment) {
    // Both checksums computed by another program.
    const Bytes frame =
        (Eth{} / Ip4{.src = "10.0.0.1", .dst = "10.0.0.2", .id = 1, .dont_fragment = true} /
         Tcp{.sport = 4660,
             .dport = 80,
             .seq = 1,
             .ack = 2,
             .flags = tcp_flag::kAck,
             .window = 512} /
         Raw{"hi"})
            .bytes();
    EXPECT_EQ(frame, hex("020000000002 020000000001 0800"
                         "4500002a 00014000 40 06 26cb 0a000001 0a000002"
                         "12340050 00000001 00000002 5010 0200 1ee0 0000 6869"));
}

struct Row {
    const char* name;
    Packet packet;
    int version;
    int protocol;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class EveryLayer : public testing::TestWithParam<Row> {};

TEST_P(EveryLayer, BuiltFramesParseAndHaveRightChecksums) {
    const Bytes frame = GetParam().packet.bytes();
    EXPECT_EQ(checksum_problem(frame), "");
    const auto parsed = parse_frame(frame);
    ASSERT_TRUE(parsed) << parsed.error().text();
    EXPECT_EQ(parsed->ip_version, GetParam().version);
    EXPECT_EQ(parsed->protocol, GetParam().protocol);
}

const Bytes kTcp4 = (Eth{} / Ip4{} / Tcp{}).bytes();
const Bytes kTcp6 = (Eth{} / Ip6{} / Tcp{}).bytes();

INSTANTIATE_TEST_SUITE_P(
    Packet, EveryLayer,
    testing::Values(
        Row{"tcp4", Eth{} / Ip4{} / Tcp{}, 4, 6},
        Row{"tcp4_odd_payload", Eth{} / Ip4{} / Tcp{} / Raw{"odd"}, 4, 6},
        Row{"tcp4_options",
            Eth{} / Ip4{.options = {0x94, 4, 0, 0, 1}} / Tcp{.options = {2, 4, 5, 0xb4, 1}}, 4, 6},
        Row{"tcp6", Eth{} / Ip6{.hop_limit = 3} / Tcp{} / Raw{"x"}, 6, 6},
        Row{"tcp6_extensions",
            Eth{} / Ip6{} / Ip6Extension{.type = 0, .body = {5, 2, 0, 0}} /
                Ip6Extension{.type = 60, .body = Bytes(9, 0)} / Tcp{},
            6, 6},
        Row{"udp4", Eth{} / Ip4{} / Udp{} / Raw{"abc"}, 4, 17},
        Row{"udp4_no_checksum", Eth{} / Ip4{} / Udp{.checksum = 0} / Raw{"abc"}, 4, 17},
        Row{"udp6", Eth{} / Ip6{} / Udp{} / Raw{"abc"}, 6, 17},
        Row{"echo4", Eth{} / Ip4{} / Icmp4{} / Raw{"ping"}, 4, 1},
        Row{"echo6", Eth{} / Ip6{} / Icmp6{} / Raw{"ping"}, 6, 58},
        Row{"vlan", Eth{} / Vlan{.id = 7} / Ip4{} / Udp{}, 4, 17},
        Row{"double_tag", Eth{} / Vlan{.id = 7, .tpid = 0x88a8} / Vlan{.id = 8} / Ip6{} / Udp{}, 6,
            17},
        Row{"unreachable4", Eth{} / Ip4{} / Icmp4{.type = 3, .code = 3, .rest = 0} / quote(kTcp4),
            4, 1},
        Row{"too_big6",
            Eth{} / Ip6{} / Icmp6{.type = 2, .code = 0, .rest = 1280} / quote(kTcp6, 100), 6, 58},
        Row{"fragment6",
            Eth{} / Ip6{} / Ip6Fragment{.offset = 0, .more = true} / Udp{} / Raw{"12345678"}, 6,
            17},
        Row{"arp", Eth{} / Arp{}, 0, 0}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Packet, ParsesWhatWasSet) {
    const auto parsed =
        parse_frame((Eth{} / Vlan{.id = 9} / Ip4{.src = "1.2.3.4", .dst = "5.6.7.8", .ttl = 9} /
                     Tcp{.sport = 1, .dport = 2, .seq = 3, .ack = 4, .flags = 0x12} / Raw{"data"})
                        .bytes());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->vlans, std::vector<std::uint16_t>{9});
    EXPECT_EQ(parsed->src.text(), "1.2.3.4");
    EXPECT_EQ(parsed->dst.text(), "5.6.7.8");
    EXPECT_EQ(parsed->ttl, 9);
    EXPECT_EQ(parsed->sport, 1);
    EXPECT_EQ(parsed->dport, 2);
    EXPECT_EQ(parsed->seq, 3U);
    EXPECT_EQ(parsed->ack, 4U);
    EXPECT_EQ(parsed->tcp_flags, 0x12);
    EXPECT_EQ(parsed->payload, (Bytes{'d', 'a', 't', 'a'}));
}

TEST(Packet, ParsesTheQuotedPacket) {
    const Bytes inner =
        (Eth{} / Ip6{.src = "fd00::5", .dst = "fd00::6"} / Udp{.sport = 5, .dport = 6}).bytes();
    const auto parsed = parse_frame(
        (Eth{} / Ip6{} / Icmp6{.type = 1, .code = 4, .rest = 0} / quote(inner)).bytes());
    ASSERT_TRUE(parsed);
    ASSERT_TRUE(parsed->quoted);
    EXPECT_EQ(parsed->quoted->src.text(), "fd00::5");
    EXPECT_EQ(parsed->quoted->dport, 6);
}

TEST(Packet, FragmentsAddUpToTheWhole) {
    for (const Packet& whole : {Eth{} / Ip4{} / Udp{} / Raw{Bytes(100, 7)},
                                Eth{} / Ip6{} / Ip6Extension{} / Udp{} / Raw{Bytes(100, 7)}}) {
        const auto parts = fragment(whole.bytes(), 48, 77);
        ASSERT_EQ(parts.size(), 3U);
        std::size_t bytes = 0;
        for (const Bytes& part : parts) {
            EXPECT_EQ(checksum_problem(part), "");
            const auto parsed = parse_frame(part);
            ASSERT_TRUE(parsed) << parsed.error().text();
            EXPECT_TRUE(parsed->fragment);
            EXPECT_EQ(parsed->ip_id, 77U);
            EXPECT_EQ(parsed->more_fragments, &part != &parts.back());
            bytes += parsed->payload.size() + (&part == &parts.front() ? 8 : 0);
        }
        EXPECT_EQ(bytes, 108U);
    }
}

TEST(Checksum, EveryFlippedByteIsNoticed) {
    for (const Packet& packet :
         {Eth{} / Ip4{} / Tcp{.options = {2, 4, 5, 0xb4}} / Raw{"payload"},
          Eth{} / Ip6{} / Udp{} / Raw{"payload"}, Eth{} / Ip4{} / Icmp4{} / Raw{"payload"}}) {
        const Bytes right = packet.bytes();
        const std::size_t covered = right[12] == 0x08 ? 14 : 14 + 8;  // IPv6: from the addresses on
        for (std::size_t at = covered; at < right.size(); ++at) {
            Bytes wrong = right;
            wrong[at] ^= 0x10;
            EXPECT_NE(checksum_problem(wrong), "") << "byte " << at;
        }
    }
}

TEST(Checksum, QuotedHeaderIsCheckedToo) {
    Bytes inner = (Eth{} / Ip4{} / Udp{} / Raw{"abc"}).bytes();
    inner[14 + 12] ^= 1;  // source address, checksum left as it was
    const Bytes frame =
        (Eth{} / Ip4{} / Icmp4{.type = 3, .code = 3, .rest = 0} / quote(inner)).bytes();
    EXPECT_THAT(checksum_problem(frame), testing::StartsWith("quoted packet: wrong IPv4"));
}

TEST(Checksum, LengthsMustFit) {
    EXPECT_NE(checksum_problem((Eth{} / Ip4{.total_length = 99} / Tcp{}).bytes()), "");
    EXPECT_NE(checksum_problem((Eth{} / Ip4{} / Udp{.length = 9}).bytes()), "");
    EXPECT_NE(checksum_problem((Eth{} / Ip6{} / Udp{.checksum = 0}).bytes()), "");
    EXPECT_NE(checksum_problem(Bytes(10, 0)), "");
}

}  // namespace
}  // namespace directfaas::support
