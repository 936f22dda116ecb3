// SPDX-License-Identifier: Apache-2.0
// A held frame is completed exactly when it is a whole packet. The packet builder's own sums, which
// share no code with it, are the reference.
#include "agent/backend/ebpf/checksum.h"

#include <gtest/gtest.h>

#include <random>

#include "test/support/packet.h"

namespace directfaas::backend::ebpf {
namespace {

using support::Bytes;
using support::Eth;
using support::Icmp4;
using support::Icmp6;
using support::Ip4;
using support::Ip6;
using support::Ip6Extension;
using support::Packet;
using support::Raw;
using support::Tcp;
using support::Udp;

Bytes completed(Bytes frame) {
    complete_checksum(frame);
    return frame;
}

Raw random_payload(std::mt19937& random) {
    Bytes bytes(random() % 1400);
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    return Raw(std::move(bytes));
}

TEST(Checksum, PartialSumsOfWholePacketsAreCompleted) {
    std::mt19937 random(20261124);
    for (int i = 0; i < 200; ++i) {
        const auto payload = random_payload(random);
        const auto partial = static_cast<std::uint16_t>(random() | 1);
        const std::pair<Packet, Packet> pairs[] = {
            {Eth{} / Ip4{} / Tcp{} / payload, Eth{} / Ip4{} / Tcp{.checksum = partial} / payload},
            {Eth{} / Ip6{} / Tcp{} / payload, Eth{} / Ip6{} / Tcp{.checksum = partial} / payload},
            {Eth{} / Ip4{} / Udp{} / payload, Eth{} / Ip4{} / Udp{.checksum = partial} / payload},
            {Eth{} / Ip6{} / Udp{} / payload, Eth{} / Ip6{} / Udp{.checksum = partial} / payload},
            {Eth{} / Ip6{} / Icmp6{} / payload,
             Eth{} / Ip6{} / Icmp6{.checksum = partial} / payload},
            {Eth{} / Ip4{.options = {1, 1, 1, 0}} / Tcp{} / payload,
             Eth{} / Ip4{.options = {1, 1, 1, 0}} / Tcp{.checksum = partial} / payload},
            {Eth{} / Ip6{} / Ip6Extension{} / Udp{} / payload,
             Eth{} / Ip6{} / Ip6Extension{} / Udp{.checksum = partial} / payload},
        };
        for (const auto& [whole, half] : pairs) {
            EXPECT_EQ(completed(half.bytes()), whole.bytes());
        }
    }
}

TEST(Checksum, WhatIsCompleteStays) {
    const auto frame = (Eth{} / Ip6{} / Tcp{} / Raw("hello")).bytes();
    EXPECT_EQ(completed(frame), frame);
}

TEST(Checksum, PaddingBehindThePacketIsNotPartOfIt) {
    auto half = (Eth{} / Ip4{} / Tcp{.checksum = 1}).bytes();
    auto whole = (Eth{} / Ip4{} / Tcp{}).bytes();
    half.resize(60, 0xff);
    whole.resize(60, 0xff);
    EXPECT_EQ(completed(half), whole);
}

TEST(Checksum, WhatCannotBeJudgedAsAWholeStays) {
    const Packet packets[] = {
        Eth{} / Ip4{.more_fragments = true} / Udp{.checksum = 7} / Raw("first part"),
        Eth{} / Ip4{.fragment_offset = 8} / Raw("eight more bytes or so"),
        Eth{} / Ip6{} / support::Ip6Fragment{.more = true} / Udp{.checksum = 7} / Raw("part"),
        Eth{} / Ip4{} / Udp{.checksum = 0} / Raw("no checksum"),
        Eth{} / Ip4{} / Icmp4{.checksum = 7},
        Eth{.type = 0x0806} / Raw("not IP at all, but long enough to look like it"),
        Eth{} / Ip4{.total_length = 200} / Tcp{.checksum = 7},
        Eth{} / Ip6{.payload_length = 200} / Tcp{.checksum = 7},
    };
    for (const auto& packet : packets) {
        EXPECT_EQ(completed(packet.bytes()), packet.bytes());
    }
}

/// No length of a cut frame may lead to a read or write past its end (run under a sanitizer).
TEST(Checksum, CutFramesAreSafe) {
    const auto frames = {(Eth{} / Ip4{} / Tcp{.checksum = 7} / Raw("x")).bytes(),
                         (Eth{} / Ip6{} / Ip6Extension{} / Udp{.checksum = 7} / Raw("x")).bytes()};
    for (const auto& frame : frames) {
        for (std::size_t size = 0; size < frame.size(); ++size) {
            Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(completed(cut), cut) << size;
        }
    }
}

}  // namespace
}  // namespace directfaas::backend::ebpf
