// SPDX-License-Identifier: Apache-2.0
// Frames the switch hands over: what flow they belong to, and the answer that tells their sender
// "no".
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "agent/backend/backend.h"
#include "agent/backend/ovs/wire.h"

namespace directfaas::backend::ovs {

/// An untagged IPv4 or IPv6 packet in an Ethernet frame, headers complete.
struct Packet {
    FlowTuple flow;
    std::size_t network = 0;    // offset of the IP header
    std::size_t transport = 0;  // offset of what follows it
    std::size_t end = 0;        // of the IP packet; frames may be padded
    std::uint8_t tcp_flags = 0;
};
std::optional<Packet> parse_packet(std::span<const std::uint8_t> frame);

/// A TCP reset (RFC 9293, 3.5.2) or an ICMP error "administratively prohibited" (RFC 1812, RFC
/// 4443) to the sender of `frame`, from `flow`'s destination to its source: where the packet was
/// translated already, the frame itself has another destination than the sender knows. Nothing if
/// such a packet is not answered.
std::optional<Bytes> refusal(std::span<const std::uint8_t> frame, const FlowTuple& flow);

/// Gives a packet the addresses and ports of `flow`, and its checksums.
void readdress(Bytes& frame, const FlowTuple& flow);

}  // namespace directfaas::backend::ovs
