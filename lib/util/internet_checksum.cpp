// SPDX-License-Identifier: Apache-2.0
#include "lib/util/internet_checksum.h"

namespace directfaas::util {

std::uint64_t checksum_sum(std::span<const std::uint8_t> bytes) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        total += static_cast<std::uint64_t>(bytes[i] << 8 | bytes[i + 1]);
    }
    return bytes.size() % 2 == 0 ? total : total + (std::uint64_t{bytes.back()} << 8);
}

std::uint16_t checksum_of(std::uint64_t sum) {
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace directfaas::util
