// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/checksum.h"

#include <netinet/in.h>

#include <optional>

#include "lib/util/internet_checksum.h"

namespace directfaas::backend::ebpf {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::size_t kIpv6Header = 40;
constexpr int kMostExtensions = 8;

std::uint16_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

struct Transport {
    std::span<const std::uint8_t> addresses;  // source and destination, for the pseudo-header
    std::span<std::uint8_t> segment;          // header and payload
    std::uint8_t protocol = 0;
    bool v4 = false;
};

std::optional<Transport> find_v4(std::span<std::uint8_t> packet) {
    if (packet.size() < 20) {
        return std::nullopt;
    }
    const std::size_t header = (packet[0] & 0x0fU) * std::size_t{4};
    const std::size_t total = read16(packet, 2);
    const bool fragment = (read16(packet, 6) & 0x3fff) != 0;  // MF or an offset
    if (header < 20 || total < header || total > packet.size() || fragment) {
        return std::nullopt;
    }
    return Transport{packet.subspan(12, 8), packet.subspan(header, total - header), packet[9],
                     true};
}

/// Steps over hop-by-hop, routing and destination options; a fragment header ends it.
std::optional<Transport> find_v6(std::span<std::uint8_t> packet) {
    if (packet.size() < kIpv6Header) {
        return std::nullopt;
    }
    const std::size_t total = kIpv6Header + read16(packet, 4);
    if (total > packet.size()) {
        return std::nullopt;
    }
    std::uint8_t next = packet[6];
    std::size_t at = kIpv6Header;
    for (int i = 0; i < kMostExtensions; ++i) {
        if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS) {
            break;
        }
        if (at + 8 > total) {
            return std::nullopt;
        }
        next = packet[at];
        at += (packet[at + 1] + std::size_t{1}) * 8;
        if (at > total) {
            return std::nullopt;
        }
    }
    return Transport{packet.subspan(8, 32), packet.subspan(at, total - at), next, false};
}

/// Where the checksum is in the header, and how long the header is at least.
std::optional<std::pair<std::size_t, std::size_t>> checksum_field(const Transport& transport) {
    switch (transport.protocol) {
        case IPPROTO_TCP:
            return {{16, 20}};
        case IPPROTO_UDP:
            return {{6, 8}};
        case IPPROTO_ICMPV6:
            return transport.v4 ? std::nullopt
                                : std::optional(std::pair<std::size_t, std::size_t>{2, 8});
        default:
            return std::nullopt;
    }
}

void complete(const Transport& transport) {
    const auto field = checksum_field(transport);
    const auto segment = transport.segment;
    if (!field || segment.size() < field->second) {
        return;
    }
    const std::size_t at = field->first;
    if (transport.v4 && transport.protocol == IPPROTO_UDP && read16(segment, at) == 0) {
        return;
    }
    segment[at] = 0;
    segment[at + 1] = 0;
    std::uint16_t value =
        util::checksum_of(util::checksum_sum(transport.addresses) + transport.protocol +
                          segment.size() + util::checksum_sum(segment));
    if (value == 0 && transport.protocol == IPPROTO_UDP) {
        value = 0xffff;  // RFC 768: zero would mean "none"
    }
    segment[at] = static_cast<std::uint8_t>(value >> 8);
    segment[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

}  // namespace

void complete_checksum(std::span<std::uint8_t> frame) {
    if (frame.size() < kEthernet) {
        return;
    }
    const auto packet = frame.subspan(kEthernet);
    const std::uint16_t type = read16(frame, 12);
    const auto transport = type == kIpv4   ? find_v4(packet)
                           : type == kIpv6 ? find_v6(packet)
                                           : std::nullopt;
    if (transport) {
        complete(*transport);
    }
}

}  // namespace directfaas::backend::ebpf
