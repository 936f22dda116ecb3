// SPDX-License-Identifier: Apache-2.0
// Addresses of both families in one form, and prefixes over them.
#include "lib/util/address.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <unordered_set>
#include <vector>

namespace directfaas::util {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

TEST(IpAddressTest, IPv4IsKeptInMappedForm) {
    const std::array<std::uint8_t, 16> expected{0, 0, 0,    0,    0,  0, 0, 0,
                                                0, 0, 0xff, 0xff, 10, 0, 2, 1};
    EXPECT_EQ(ip("10.0.2.1").bytes(), expected);
    EXPECT_EQ(ip("::ffff:10.0.2.1"), ip("10.0.2.1"));
}

TEST(IpAddressTest, TextIsTheShortForm) {
    for (const auto* text : {"10.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "fd00::1:2"}) {
        EXPECT_EQ(ip(text).text(), text);
    }
    EXPECT_EQ(ip("FD00:0:0::0001").text(), "fd00::1");
    EXPECT_EQ(ip("::ffff:1.2.3.4").text(), "1.2.3.4");
}

TEST(IpAddressTest, BytesAreReadByTheirNumber) {
    constexpr std::array<std::uint8_t, 4> kFour{10, 1, 0, 2};
    EXPECT_EQ(IpAddress::from_bytes(kFour), ip("10.1.0.2"));
    for (const auto* text : {"fd00::1", "::", "10.1.0.2"}) {
        EXPECT_EQ(IpAddress::from_bytes(ip(text).bytes()), ip(text));
    }
    for (const std::size_t size : {0, 3, 5, 15}) {
        EXPECT_EQ(IpAddress::from_bytes(std::vector<std::uint8_t>(size)), std::nullopt) << size;
    }
}

TEST(IpAddressTest, RefusesWhatIsNoAddress) {
    for (const auto* text : {"", "10.0.2", "10.0.2.256", "10.0.2.1:80", "10.0.2.1/24", " 10.0.2.1",
                             "fe80::1%eth0", "[::1]", "fd00::1::2", "reviews", "010.0.0.1x"}) {
        EXPECT_EQ(IpAddress::parse(text), std::nullopt) << text;
    }
    EXPECT_EQ(IpAddress::parse(std::string_view("10.0.2.1\0.5", 11)), std::nullopt)
        << "a byte zero must not hide the rest";
}

TEST(IpAddressTest, Family) {
    EXPECT_TRUE(ip("1.2.3.4").is_v4());
    EXPECT_FALSE(ip("::1.2.3.4").is_v4()) << "compatible form, not mapped";
    EXPECT_FALSE(ip("fd00::1").is_v4());
}

TEST(IpAddressTest, Unspecified) {
    EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
    EXPECT_TRUE(ip("::").is_unspecified());
    EXPECT_TRUE(IpAddress().is_unspecified());
    EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
    EXPECT_FALSE(ip("::1").is_unspecified());
}

TEST(IpAddressTest, OrderIsThatOfTheNumber) {
    EXPECT_LT(ip("9.255.255.255"), ip("10.0.0.0"));
    EXPECT_LT(ip("10.0.0.1"), ip("fd00::1"));
}

TEST(IpAddressTest, TextRoundTripsAndHashesAgree) {
    std::mt19937 random(4);
    std::unordered_set<IpAddress> seen;
    for (int i = 0; i < 2000; ++i) {
        std::array<std::uint8_t, 16> bytes{};
        const int first = random() % 2 == 0 ? 12 : 0;
        if (first == 12) {
            bytes[10] = bytes[11] = 0xff;
        }
        for (std::size_t b = first; b < bytes.size(); ++b) {
            bytes[b] = random() % 3 == 0 ? 0 : static_cast<std::uint8_t>(random());
        }
        const IpAddress address(bytes);
        ASSERT_EQ(IpAddress::parse(address.text()), address) << address.text();
        seen.insert(address);
        ASSERT_TRUE(seen.contains(ip(address.text())));
    }
}

TEST(IpPrefixTest, HostBitsAreCleared) {
    EXPECT_EQ(prefix("10.1.2.3/16").text(), "10.1.0.0/16");
    EXPECT_EQ(prefix("fd00::abcd/64").text(), "fd00::/64");
    EXPECT_EQ(prefix("10.1.2.3/32").text(), "10.1.2.3/32");
    EXPECT_EQ(prefix("10.1.2.3/0").text(), "0.0.0.0/0");
    EXPECT_EQ(prefix("10.1.2.3/13").text(), "10.0.0.0/13");
}

TEST(IpPrefixTest, Contains) {
    EXPECT_TRUE(prefix("10.244.0.0/16").contains(ip("10.244.255.255")));
    EXPECT_FALSE(prefix("10.244.0.0/16").contains(ip("10.245.0.0")));
    EXPECT_TRUE(prefix("10.8.0.0/13").contains(ip("10.15.1.1")));
    EXPECT_FALSE(prefix("10.8.0.0/13").contains(ip("10.16.0.0")));
    EXPECT_TRUE(prefix("fd00::/8").contains(ip("fdff::1")));
    EXPECT_TRUE(prefix("10.1.2.3/32").contains(ip("10.1.2.3")));
    EXPECT_FALSE(prefix("10.1.2.3/32").contains(ip("10.1.2.2")));
}

TEST(IpPrefixTest, AllOfIPv4HoldsNoIPv6) {
    EXPECT_TRUE(prefix("0.0.0.0/0").contains(ip("203.0.113.9")));
    EXPECT_FALSE(prefix("0.0.0.0/0").contains(ip("fd00::1")));
}

TEST(IpPrefixTest, BitsCountInTheMappedForm) {
    EXPECT_EQ(prefix("10.0.0.0/8").bits, 104);
    EXPECT_EQ(prefix("fd00::/8").bits, 8);
    EXPECT_EQ(prefix("fd00::/9").mask(), ip("ff80::"));
}

TEST(IpPrefixTest, RefusesWhatIsNoPrefix) {
    for (const auto* text :
         {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8",
          "fd00::/129", "/8", "x/8", "10.0.0.0/8/9"}) {
        EXPECT_EQ(IpPrefix::parse(text), std::nullopt) << text;
    }
}

TEST(ProtocolTest, NamesAreThoseOfKubernetes) {
    for (const auto protocol : {Protocol::kTcp, Protocol::kUdp}) {
        EXPECT_EQ(parse_protocol(protocol_name(protocol)), protocol);
    }
    EXPECT_EQ(parse_protocol("tcp"), std::nullopt);
    EXPECT_EQ(parse_protocol("SCTP"), std::nullopt);
}

TEST(EndpointTextTest, BracketsIPv6) {
    EXPECT_EQ(endpoint_text(ip("10.0.0.1"), 80), "10.0.0.1:80");
    EXPECT_EQ(endpoint_text(ip("fd00::1"), 65535), "[fd00::1]:65535");
}

}  // namespace
}  // namespace directfaas::util
