// SPDX-License-Identifier: Apache-2.0
// Parts of packets: what an ICMP error quotes, and IP fragments.
#include <netinet/in.h>

#include <algorithm>

#include "test/support/packet.h"
#include "test/support/packet_bytes.h"

namespace directfaas::support {
namespace {

struct Ip6Walk {
    std::size_t next_field;  // offset of the field that names what follows
    std::size_t payload;     // offset of the first byte after all extension headers
};
Ip6Walk walk_ip6(const Bytes& frame) {
    Ip6Walk walk{14 + 6, 14 + 40};
    while (frame[walk.next_field] == 0 || frame[walk.next_field] == 43 ||
           frame[walk.next_field] == 60) {
        walk.next_field = walk.payload;
        walk.payload += (static_cast<std::size_t>(frame[walk.payload + 1]) + 1) * 8;
    }
    return walk;
}
bool is_ip4(const Bytes& frame) { return frame[12] == 0x08 && frame[13] == 0x00; }
std::size_t ip4_header(const Bytes& frame) {
    return static_cast<std::size_t>(frame[14] & 0x0f) * 4;
}

}  // namespace

Raw quote(const Bytes& frame, std::size_t transport_bytes) {
    const std::size_t header = is_ip4(frame) ? ip4_header(frame) : walk_ip6(frame).payload - 14;
    const std::size_t end = std::min(frame.size(), 14 + header + transport_bytes);
    return Raw{Bytes(frame.begin() + 14, frame.begin() + static_cast<std::ptrdiff_t>(end))};
}

std::vector<Bytes> fragment(const Bytes& frame, std::size_t payload_bytes, std::uint32_t id) {
    const bool v4 = is_ip4(frame);
    const std::size_t start = v4 ? 14 + ip4_header(frame) : walk_ip6(frame).payload;
    std::vector<Bytes> parts;
    for (std::size_t at = start; at < frame.size(); at += payload_bytes) {
        const std::size_t end = std::min(frame.size(), at + payload_bytes);
        const bool more = end < frame.size();
        const auto offset = static_cast<std::uint16_t>(at - start);
        Bytes part(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(start));
        if (v4) {
            set16(part, 14 + 2, static_cast<std::uint16_t>(start - 14 + end - at));
            set16(part, 14 + 4, static_cast<std::uint16_t>(id));
            set16(part, 14 + 6, static_cast<std::uint16_t>((more ? 0x2000 : 0) | (offset / 8)));
            set16(part, 14 + 10, 0);
            set16(part, 14 + 10, internet_checksum(Bytes(part.begin() + 14, part.end())));
        } else {
            const std::size_t next = walk_ip6(frame).next_field;
            part.push_back(part[next]);
            part.push_back(0);
            put16(part, static_cast<std::uint16_t>(offset | (more ? 1 : 0)));
            put32(part, id);
            part[next] = IPPROTO_FRAGMENT;
            set16(part, 14 + 4, static_cast<std::uint16_t>(start + 8 - 14 - 40 + end - at));
        }
        part.insert(part.end(), frame.begin() + static_cast<std::ptrdiff_t>(at),
                    frame.begin() + static_cast<std::ptrdiff_t>(end));
        parts.push_back(std::move(part));
    }
    return parts;
}

}  // namespace directfaas::support
