// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/frame.h"

#include <netinet/in.h>

#include <algorithm>

#include "lib/util/internet_checksum.h"

namespace directfaas::backend::ovs {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kTcp = 20;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint8_t kHops = 64;

using View = std::span<const std::uint8_t>;

std::uint16_t get16(View bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
void put16(std::span<std::uint8_t> bytes, std::size_t at, std::uint32_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

util::IpAddress address_at(View frame, std::size_t at, bool v4) {
    return *util::IpAddress::from_bytes(frame.subspan(at, v4 ? 4 : 16));
}

View address_bytes(const util::IpAddress& address) {
    const View all(address.bytes());
    return address.is_v4() ? all.subspan(12) : all;
}

std::uint16_t transport_sum(const util::IpAddress& from, const util::IpAddress& to,
                            std::uint8_t protocol, View segment) {
    return util::checksum_of(util::checksum_sum(address_bytes(from)) +
                             util::checksum_sum(address_bytes(to)) + protocol + segment.size() +
                             util::checksum_sum(segment));
}

/// Ethernet and IP header of an answer to `frame`.
Writer answer_headers(View frame, const FlowTuple& flow, std::uint8_t protocol,
                      std::size_t length) {
    Writer out;
    out.raw(frame.subspan(6, 6)).raw(frame.subspan(0, 6)).raw(frame.subspan(12, 2));
    if (flow.source.is_v4()) {
        const auto start = out.size();
        out.u8(0x45).u8(0).u16(static_cast<unsigned>(20 + length)).u16(0).u16(0x4000);
        out.u8(kHops).u8(protocol).u16(0);
        out.raw(address_bytes(flow.destination)).raw(address_bytes(flow.source));
        out.patch(start + 10,
                  util::checksum_of(util::checksum_sum(View(out.bytes()).subspan(start))));
    } else {
        out.u32(0x60000000).u16(static_cast<unsigned>(length)).u8(protocol).u8(kHops);
        out.raw(address_bytes(flow.destination)).raw(address_bytes(flow.source));
    }
    return out;
}

Bytes reset(View frame, const Packet& packet, const FlowTuple& flow) {
    const View tcp = frame.subspan(packet.transport);
    const auto headers = packet.transport + static_cast<std::size_t>(tcp[12] >> 4) * 4;
    auto taken = static_cast<std::uint32_t>(packet.end > headers ? packet.end - headers : 0);
    taken += (packet.tcp_flags & kSyn) != 0 ? 1 : 0;
    taken += (packet.tcp_flags & kFin) != 0 ? 1 : 0;
    Reader numbers(tcp.subspan(4, 8));
    const std::uint32_t sequence = numbers.u32();
    const std::uint32_t acknowledged = numbers.u32();
    const bool acks = (packet.tcp_flags & kAck) != 0;
    auto out = answer_headers(frame, flow, IPPROTO_TCP, kTcp);
    const auto start = out.size();
    out.u16(flow.destination_port).u16(flow.source_port).u32(acks ? acknowledged : 0);
    out.u32(acks ? 0 : sequence + taken).u8(5 << 4).u8(kRst | (acks ? 0 : kAck));
    out.u16(0).u16(0).u16(0);
    const auto check =
        transport_sum(flow.destination, flow.source, IPPROTO_TCP, View(out.bytes()).subspan(start));
    out.patch(start + 16, check);
    return out.take();
}

Bytes prohibited(View frame, const Packet& packet, const FlowTuple& flow) {
    const bool v4 = flow.source.is_v4();
    Bytes quoted(frame.begin(), frame.end());
    readdress(quoted, flow);
    const auto until = std::min(packet.end, packet.network + (v4 ? 28 : 512));
    const View quote = View(quoted).subspan(packet.network, until - packet.network);
    const std::uint8_t protocol = v4 ? 1 : 58;  // ICMP, ICMPv6
    auto out = answer_headers(frame, flow, protocol, 8 + quote.size());
    const auto start = out.size();
    out.u8(v4 ? 3 : 1).u8(v4 ? 13 : 1).u16(0).u32(0).raw(quote);
    const View message = View(out.bytes()).subspan(start);
    out.patch(start + 2, v4 ? util::checksum_of(util::checksum_sum(message))
                            : transport_sum(flow.destination, flow.source, protocol, message));
    return out.take();
}

bool parse_v4(View frame, Packet& packet) {
    if (frame.size() < kEthernet + 20) {
        return false;
    }
    const View ip = frame.subspan(kEthernet);
    const auto header = static_cast<std::size_t>(ip[0] & 0x0f) * 4;
    packet.transport = kEthernet + header;
    packet.end = kEthernet + get16(ip, 2);
    packet.flow.protocol = ip[9];
    packet.flow.source = address_at(ip, 12, true);
    packet.flow.destination = address_at(ip, 16, true);
    return ip[0] >> 4 == 4 && header >= 20;
}

bool parse_v6(View frame, Packet& packet) {
    if (frame.size() < kEthernet + 40) {
        return false;
    }
    const View ip = frame.subspan(kEthernet);
    packet.transport = kEthernet + 40;
    packet.end = packet.transport + get16(ip, 4);
    packet.flow.protocol = ip[6];
    packet.flow.source = address_at(ip, 8, false);
    packet.flow.destination = address_at(ip, 24, false);
    return ip[0] >> 4 == 6;
}

/// An echo's identifier stands where other packets have the port of whoever asks, as in the eBPF
/// switch.
void take_echo(View message, FlowTuple& flow) {
    constexpr std::size_t kEchoHeader = 8;
    if (message.size() < kEchoHeader) {
        return;
    }
    const bool v4 = flow.protocol == IPPROTO_ICMP;
    if (message[0] == (v4 ? 8 : 128)) {
        flow.source_port = get16(message, 4);
    } else if (message[0] == (v4 ? 0 : 129)) {
        flow.destination_port = get16(message, 4);
    }
}

}  // namespace

std::optional<Packet> parse_packet(View frame) {
    if (frame.size() < kEthernet) {
        return std::nullopt;
    }
    Packet packet;
    packet.network = kEthernet;
    const std::uint16_t type = get16(frame, 12);
    const bool ok = type == 0x0800   ? parse_v4(frame, packet)
                    : type == 0x86dd ? parse_v6(frame, packet)
                                     : false;
    if (!ok || packet.end > frame.size() || packet.end < packet.transport) {
        return std::nullopt;
    }
    const std::size_t length = packet.end - packet.transport;
    if (packet.flow.protocol == IPPROTO_TCP || packet.flow.protocol == IPPROTO_UDP) {
        if (length < (packet.flow.protocol == IPPROTO_TCP ? kTcp : 8)) {
            return std::nullopt;
        }
        packet.flow.source_port = get16(frame, packet.transport);
        packet.flow.destination_port = get16(frame, packet.transport + 2);
        packet.tcp_flags =
            packet.flow.protocol == IPPROTO_TCP ? frame[packet.transport + 13] : std::uint8_t{0};
    } else if (packet.flow.protocol == IPPROTO_ICMP || packet.flow.protocol == IPPROTO_ICMPV6) {
        take_echo(frame.subspan(packet.transport, length), packet.flow);
    }
    return packet;
}

std::optional<Bytes> refusal(View frame, const FlowTuple& flow) {
    const auto packet = parse_packet(frame);
    if (!packet || (packet->tcp_flags & kRst) != 0) {
        return std::nullopt;
    }
    if (packet->flow.protocol == IPPROTO_TCP) {
        return reset(frame, *packet, flow);
    }
    if (packet->flow.protocol == IPPROTO_UDP) {
        return prohibited(frame, *packet, flow);
    }
    return std::nullopt;
}

void readdress(Bytes& frame, const FlowTuple& flow) {
    const auto packet = parse_packet(frame);
    if (!packet) {
        return;
    }
    const bool v4 = flow.source.is_v4();
    const auto at = [&](std::size_t offset) {
        return frame.begin() + static_cast<std::ptrdiff_t>(packet->network + offset);
    };
    std::ranges::copy(address_bytes(flow.source), at(v4 ? 12 : 8));
    std::ranges::copy(address_bytes(flow.destination), at(v4 ? 16 : 24));
    if (v4) {
        const auto header = packet->transport - packet->network;
        put16(frame, packet->network + 10, 0);
        put16(frame, packet->network + 10,
              util::checksum_of(util::checksum_sum(View(frame).subspan(packet->network, header))));
    }
    const bool tcp = flow.protocol == IPPROTO_TCP;
    if (!tcp && flow.protocol != IPPROTO_UDP) {
        return;
    }
    put16(frame, packet->transport, flow.source_port);
    put16(frame, packet->transport + 2, flow.destination_port);
    const auto check = packet->transport + (tcp ? 16 : 6);
    put16(frame, check, 0);
    const auto value =
        transport_sum(flow.source, flow.destination, flow.protocol,
                      View(frame).subspan(packet->transport, packet->end - packet->transport));
    put16(frame, check, !tcp && value == 0 ? 0xffff : value);
}

}  // namespace directfaas::backend::ovs
