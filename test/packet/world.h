// SPDX-License-Identifier: Apache-2.0
// One small application for all packet tests, in either family:
//   caller (fn 1) ──edge 1──► callee (fn 2: vIP :80 → instances :8080), entry 4 ──edge 3──► shop
//   (fn 3, ingress)
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "test/packet/switch.h"
#include "test/support/packet_inspect.h"

namespace directfaas::packet {

enum class Family { kV4, kV6 };

/// Identities, edges and endpoints of the little application.
enum : std::uint32_t {
    kOutside = 0,
    kCaller = 1,
    kCallee = 2,
    kShop = 3,
    kGateway = 4,
    kAudited = 5,
    kFree = 6
};
enum : std::uint32_t { kEdgeCall = 1, kEdgeOutsideShop = 2, kEdgeGatewayShop = 3, kEdgeSelf = 4 };
enum : std::uint32_t { kInstanceOne = 11, kInstanceTwo = 12 };
enum : std::uint32_t {
    kRouteTcp = 1,
    kRouteUdp = 2,
    kRouteShop = 3,
    kRouteAudited = 4,
    kRouteEmpty = 5,
    kRouteFree = 6
};

class World : public testing::Test {
   protected:
    void SetUp() override;

    [[nodiscard]] virtual Family family() const = 0;
    [[nodiscard]] bool v4() const { return family() == Family::kV4; }
    /// The address of host number `n` in pod, vIP or outside network.
    [[nodiscard]] std::string pod(int n) const;
    [[nodiscard]] std::string vip(int n) const;
    [[nodiscard]] std::string outside(int n) const;

    /// Ethernet and IP header of this family.
    [[nodiscard]] support::Packet ip(const std::string& from, const std::string& to) const;
    /// The segment that opens a TCP connection, unless told otherwise.
    [[nodiscard]] support::Bytes tcp(const std::string& from, std::uint16_t sport,
                                     const std::string& to, std::uint16_t dport,
                                     std::uint8_t flags = support::tcp_flag::kSyn,
                                     const std::string& payload = {}) const;
    [[nodiscard]] support::Bytes udp(const std::string& from, std::uint16_t sport,
                                     const std::string& to, std::uint16_t dport,
                                     const std::string& payload = "ping") const;
    /// An ICMP error about `about`, sent by `from`: "port unreachable".
    [[nodiscard]] support::Bytes unreachable(const std::string& from, const std::string& to,
                                             const support::Bytes& about) const;

    /// Parses, and fails the test if a length or checksum is wrong.
    static support::ParsedPacket look(const support::Bytes& frame);

    /// Opens caller → vip(2):80 from `sport`; fails the test if it is not forwarded.
    Outcome open_call(std::uint16_t sport);
    /// The instance's SYN-ACK to that call, as it enters the caller's pod.
    Outcome answer_call(std::uint16_t sport,
                        std::uint8_t flags = support::tcp_flag::kSyn | support::tcp_flag::kAck);

    Switch sw{1024};
    std::uint32_t caller_if = Switch::ifindex(0);  // the caller's veth, pod(1)
    std::uint32_t callee_if = Switch::ifindex(1);  // the callee's veth, pod(2)
};

/// A world per family.
class EitherFamily : public World, public testing::WithParamInterface<Family> {
   protected:
    [[nodiscard]] Family family() const override { return GetParam(); }
};

std::string family_name(const testing::TestParamInfo<Family>& info);

}  // namespace directfaas::packet

#define DF_BOTH_FAMILIES(suite)                                                            \
    INSTANTIATE_TEST_SUITE_P(                                                              \
        Ip, suite,                                                                         \
        testing::Values(directfaas::packet::Family::kV4, directfaas::packet::Family::kV6), \
        directfaas::packet::family_name)
