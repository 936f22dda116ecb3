// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071).
#pragma once

#include <cstdint>
#include <span>

namespace directfaas::util {

/// Sum of the bytes as 16-bit words in network order, a last odd byte padded with zero. Not folded:
/// sums of parts add up, if all parts but the last have an even number of bytes.
std::uint64_t checksum_sum(std::span<const std::uint8_t> bytes);

/// The checksum of a sum, host order: folded to 16 bits and complemented.
std::uint16_t checksum_of(std::uint64_t sum);

}  // namespace directfaas::util
