// SPDX-License-Identifier: Apache-2.0
// Looks at frames the switch has made: fields, and whether lengths and checksums are right. Shares
// no code with the builder, so that a mistake there cannot hide one here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/util/address.h"
#include "lib/util/result.h"

namespace directfaas::support {

/// Fields of one frame, in host order. Fields of layers that are absent keep their defaults.
struct ParsedPacket {
    std::array<std::uint8_t, 6> eth_src{};
    std::array<std::uint8_t, 6> eth_dst{};
    std::vector<std::uint16_t> vlans;
    std::uint16_t ethertype = 0;

    int ip_version = 0;  // 4, 6, 0: neither
    util::IpAddress src;
    util::IpAddress dst;
    std::uint8_t ttl = 0;         // or hop limit
    std::uint8_t tos = 0;         // or traffic class
    std::uint16_t ip_length = 0;  // total length, IPv6: with its header
    std::uint8_t protocol = 0;    // transport, after extension headers
    bool fragment = false;        // part of a datagram: offset or "more" set
    bool more_fragments = false;
    bool dont_fragment = false;
    std::uint16_t fragment_offset = 0;  // bytes
    std::uint32_t ip_id = 0;
    std::vector<std::uint8_t> ip_options;  // IPv4 options or IPv6 extension headers

    std::uint16_t sport = 0;
    std::uint16_t dport = 0;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint8_t tcp_flags = 0;
    std::uint16_t window = 0;
    std::vector<std::uint8_t> tcp_options;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    std::uint32_t icmp_rest = 0;
    std::vector<std::uint8_t> payload;  // after the transport header

    /// The packet an ICMP error is about, as far as it was quoted.
    std::shared_ptr<ParsedPacket> quoted;
};

/// Parses an Ethernet frame. Fails on headers that do not fit or contradict each other.
util::Result<ParsedPacket> parse_frame(std::span<const std::uint8_t> frame);

/// Empty if every length and checksum of the frame is right, those of a quoted packet included as
/// far as they can be checked; else what is wrong.
std::string checksum_problem(std::span<const std::uint8_t> frame);

}  // namespace directfaas::support
