// SPDX-License-Identifier: Apache-2.0
// A frame caught in the kernel often has half a checksum, which the device would have completed.
// Sent again as it is, the receiver would drop it silently.
#pragma once

#include <cstdint>
#include <span>

namespace directfaas::backend::ebpf {

/// Writes the full L4 checksum of an unfragmented TCP, UDP or ICMPv6 packet in an Ethernet frame.
/// Leaves alone whatever it cannot judge as a whole: fragments, other protocols, truncated headers,
/// a UDP checksum of zero over IPv4 ("none").
void complete_checksum(std::span<std::uint8_t> frame);

}  // namespace directfaas::backend::ebpf
