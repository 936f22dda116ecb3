// SPDX-License-Identifier: Apache-2.0
// A cursor over the bytes of a frame; every read is checked.
#include "test/support/packet_inspect.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace directfaas::support {
namespace {

using Span = std::span<const std::uint8_t>;

std::uint16_t read16(Span data, std::size_t at) {
    return static_cast<std::uint16_t>(data[at] * 256 + data[at + 1]);
}
std::uint32_t read32(Span data, std::size_t at) {
    return static_cast<std::uint32_t>(read16(data, at)) * 65536 + read16(data, at + 2);
}
util::IpAddress read_address(Span data, std::size_t at, bool v4) {
    std::array<std::uint8_t, 16> bytes{};
    if (v4) {
        bytes[10] = bytes[11] = 0xff;
    }
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at), v4 ? 4 : 16,
                bytes.begin() + (v4 ? 12 : 0));
    return util::IpAddress{bytes};
}
std::vector<std::uint8_t> copy(Span data) { return {data.begin(), data.end()}; }

/// One's complement sum as the remainder modulo 65535 of the number the bytes spell: another way
/// to the same value than adding words with carries. A packet with a right checksum gives 0.
class Remainder {
   public:
    void add(Span data) {
        for (const std::uint8_t byte : data) {
            value_ = (value_ + byte * (odd_ ? 1U : 256U)) % 65535U;
            odd_ = !odd_;
        }
    }
    void add_number(std::uint32_t number) { value_ = (value_ + number) % 65535U; }
    [[nodiscard]] bool right() const { return value_ == 0; }

   private:
    std::uint32_t value_ = 0;
    bool odd_ = false;
};

struct Context {
    bool quoted = false;  // inside an ICMP error: may be cut short
    bool check = false;   // verify checksums too
    std::string problem;  // first wrong checksum
    void wrong(const std::string& what) {
        if (problem.empty()) {
            problem = quoted ? "quoted packet: " + what : what;
        }
    }
};

util::Result<void> parse_ip(Span data, ParsedPacket& out, Context& context);

void check_transport(Span segment, const ParsedPacket& out, Context& context) {
    if (!context.check || out.fragment) {
        return;
    }
    if (out.protocol == IPPROTO_UDP && read16(segment, 6) == 0) {
        if (out.ip_version == 6) {
            context.wrong("UDP over IPv6 without checksum");
        }
        return;
    }
    Remainder sum;
    if (out.protocol != IPPROTO_ICMP) {
        const auto& src = out.src.bytes();
        const auto& dst = out.dst.bytes();
        const std::size_t skip = out.ip_version == 4 ? 12 : 0;
        sum.add(Span(src).subspan(skip));
        sum.add(Span(dst).subspan(skip));
        sum.add_number(out.protocol);
        sum.add_number(static_cast<std::uint32_t>(segment.size()));
    }
    sum.add(segment);
    if (!sum.right()) {
        context.wrong(fmt::format("wrong checksum of protocol {} from {} to {}", out.protocol,
                                  out.src.text(), out.dst.text()));
    }
}

util::Result<void> parse_icmp(Span segment, ParsedPacket& out, Context& context) {
    if (segment.size() < 8) {
        return util::fail("ICMP header truncated");
    }
    out.icmp_type = segment[0];
    out.icmp_code = segment[1];
    out.icmp_rest = read32(segment, 4);
    out.payload = copy(segment.subspan(8));
    const bool error = out.ip_version == 4 ? out.icmp_type == 3 || out.icmp_type == 5 ||
                                                 out.icmp_type == 11 || out.icmp_type == 12
                                           : out.icmp_type >= 1 && out.icmp_type <= 4;
    if (!error) {
        return {};
    }
    out.quoted = std::make_shared<ParsedPacket>();
    context.quoted = true;
    const auto inner = parse_ip(segment.subspan(8), *out.quoted, context);
    context.quoted = false;
    return inner;
}

util::Result<void> parse_tcp(Span segment, ParsedPacket& out, const Context& context) {
    if (segment.size() < 4 || (!context.quoted && segment.size() < 20)) {
        return util::fail("TCP header truncated");
    }
    out.sport = read16(segment, 0);
    out.dport = read16(segment, 2);
    if (segment.size() >= 8) {
        out.seq = read32(segment, 4);
    }
    if (segment.size() < 20) {
        return {};
    }
    out.ack = read32(segment, 8);
    out.tcp_flags = segment[13];
    out.window = read16(segment, 14);
    const std::size_t header = static_cast<std::size_t>(segment[12] >> 4) * 4;
    if (header < 20 || (header > segment.size() && !context.quoted)) {
        return util::fail(fmt::format("TCP header length {} does not fit", header));
    }
    const std::size_t end = std::min(header, segment.size());
    out.tcp_options = copy(segment.subspan(20, end - 20));
    out.payload = copy(segment.subspan(end));
    return {};
}

util::Result<void> parse_udp(Span segment, ParsedPacket& out, const Context& context) {
    if (segment.size() < 8) {
        return util::fail("UDP header truncated");
    }
    out.sport = read16(segment, 0);
    out.dport = read16(segment, 2);
    const std::uint16_t length = read16(segment, 4);
    if (!out.fragment && !context.quoted && length != segment.size()) {
        return util::fail(fmt::format("UDP length {} but {} bytes follow", length, segment.size()));
    }
    out.payload = copy(segment.subspan(8));
    return {};
}

util::Result<void> parse_transport(Span segment, bool complete, ParsedPacket& out,
                                   Context& context) {
    if (out.fragment_offset != 0) {
        out.payload = copy(segment);
        return {};
    }
    util::Result<void> parsed{};
    switch (out.protocol) {
        case IPPROTO_TCP:
            parsed = parse_tcp(segment, out, context);
            break;
        case IPPROTO_UDP:
            parsed = parse_udp(segment, out, context);
            break;
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
            parsed = parse_icmp(segment, out, context);
            break;
        default:
            out.payload = copy(segment);
            return {};
    }
    if (parsed && complete) {
        check_transport(segment, out, context);
    }
    return parsed;
}

util::Result<void> parse_ip4(Span data, ParsedPacket& out, Context& context) {
    const std::size_t header = static_cast<std::size_t>(data[0] & 15) * 4;
    if (data.size() < 20 || header < 20 || data.size() < header) {
        return util::fail("IPv4 header truncated");
    }
    out.tos = data[1];
    out.ip_length = read16(data, 2);
    out.ip_id = read16(data, 4);
    const std::uint16_t flags = read16(data, 6);
    out.dont_fragment = (flags & 0x4000) != 0;
    out.more_fragments = (flags & 0x2000) != 0;
    out.fragment_offset = static_cast<std::uint16_t>((flags & 0x1fff) * 8);
    out.fragment = out.more_fragments || out.fragment_offset != 0;
    out.ttl = data[8];
    out.protocol = data[9];
    out.src = read_address(data, 12, true);
    out.dst = read_address(data, 16, true);
    out.ip_options = copy(data.subspan(20, header - 20));
    Remainder sum;
    sum.add(data.first(header));
    if (context.check && !sum.right()) {
        context.wrong(fmt::format("wrong IPv4 header checksum {:#06x} from {} to {}",
                                  read16(data, 10), out.src.text(), out.dst.text()));
    }
    if (out.ip_length < header || (!context.quoted && out.ip_length > data.size())) {
        return util::fail(
            fmt::format("IPv4 total length {} but {} bytes follow", out.ip_length, data.size()));
    }
    const std::size_t end = std::min<std::size_t>(out.ip_length, data.size());
    return parse_transport(data.subspan(header, end - header), out.ip_length <= data.size(), out,
                           context);
}

/// Follows extension headers from `at`; returns where the transport header starts, 0 if they do
/// not fit.
std::size_t skip_extensions(Span data, std::size_t at, ParsedPacket& out) {
    while (out.protocol == 0 || out.protocol == 43 || out.protocol == 60 || out.protocol == 44) {
        if (data.size() < at + 8) {
            return 0;
        }
        std::size_t length = 8;
        if (out.protocol == 44) {
            const std::uint16_t field = read16(data, at + 2);
            out.fragment_offset = field & 0xfff8;
            out.more_fragments = (field & 1) != 0;
            out.fragment = out.more_fragments || out.fragment_offset != 0;
            out.ip_id = read32(data, at + 4);
        } else {
            length = (static_cast<std::size_t>(data[at + 1]) + 1) * 8;
        }
        out.protocol = data[at];
        at += length;
        if (out.fragment_offset != 0) {
            break;
        }
    }
    return at <= data.size() ? at : 0;
}

util::Result<void> parse_ip6(Span data, ParsedPacket& out, Context& context) {
    if (data.size() < 40) {
        return util::fail("IPv6 header truncated");
    }
    out.tos = static_cast<std::uint8_t>((read16(data, 0) >> 4) & 0xff);
    out.ip_length = static_cast<std::uint16_t>(40 + read16(data, 4));
    out.ttl = data[7];
    out.src = read_address(data, 8, false);
    out.dst = read_address(data, 24, false);
    out.protocol = data[6];
    if (!context.quoted && out.ip_length > data.size()) {
        return util::fail(fmt::format("IPv6 payload length {} but {} bytes follow",
                                      out.ip_length - 40, data.size() - 40));
    }
    const std::size_t at = skip_extensions(data, 40, out);
    const std::size_t end = std::min<std::size_t>(out.ip_length, data.size());
    if (at == 0 || end < at) {
        return util::fail("IPv6 extension headers do not fit");
    }
    out.ip_options = copy(data.subspan(40, at - 40));
    return parse_transport(data.subspan(at, end - at), out.ip_length <= data.size(), out, context);
}

util::Result<void> parse_ip(Span data, ParsedPacket& out, Context& context) {
    if (data.empty()) {
        return util::fail("IP header missing");
    }
    out.ip_version = data[0] >> 4;
    switch (out.ip_version) {
        case 4:
            return parse_ip4(data, out, context);
        case 6:
            return parse_ip6(data, out, context);
        default:
            return util::fail(fmt::format("IP version {}", out.ip_version));
    }
}

util::Result<ParsedPacket> parse(Span frame, Context& context) {
    if (frame.size() < 14) {
        return util::fail(fmt::format("frame of {} bytes has no Ethernet header", frame.size()));
    }
    ParsedPacket out;
    std::copy_n(frame.begin(), 6, out.eth_dst.begin());
    std::copy_n(frame.begin() + 6, 6, out.eth_src.begin());
    std::size_t at = 12;
    while (frame.size() >= at + 6 && (read16(frame, at) == 0x8100 || read16(frame, at) == 0x88a8)) {
        out.vlans.push_back(read16(frame, at + 2) & 0x0fff);
        at += 4;
    }
    out.ethertype = read16(frame, at);
    at += 2;
    if (out.ethertype != 0x0800 && out.ethertype != 0x86dd) {
        out.payload = copy(frame.subspan(at));
        return out;
    }
    if (auto parsed = parse_ip(frame.subspan(at), out, context); !parsed) {
        return std::unexpected(parsed.error());
    }
    if (out.ip_version != (out.ethertype == 0x0800 ? 4 : 6)) {
        return util::fail("ethertype and IP version differ");
    }
    return out;
}

}  // namespace

util::Result<ParsedPacket> parse_frame(std::span<const std::uint8_t> frame) {
    Context context;
    return parse(frame, context);
}

std::string checksum_problem(std::span<const std::uint8_t> frame) {
    Context context;
    context.check = true;
    const auto parsed = parse(frame, context);
    return parsed ? context.problem : parsed.error().message;
}

}  // namespace directfaas::support
