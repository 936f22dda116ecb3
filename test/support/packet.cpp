// SPDX-License-Identifier: Apache-2.0
// Layers to bytes. Written from the last layer to the first, so that lengths are known; the
// transport checksum is filled in by the IP layer around it, which knows the pseudo header.
#include "test/support/packet.h"

#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>

#include "test/support/packet_bytes.h"

namespace directfaas::support {
namespace {

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }
void append(Bytes& out, const Mac& mac) { out.insert(out.end(), mac.begin(), mac.end()); }
void append_address(Bytes& out, const Address& address, bool v4) {
    const auto& bytes = address.value.bytes();
    out.insert(out.end(), bytes.begin() + (v4 ? 12 : 0), bytes.end());
}
Bytes padded(Bytes bytes, std::size_t unit, std::uint8_t filler) {
    while (bytes.size() % unit != 0) {
        bytes.push_back(filler);
    }
    return bytes;
}

/// What the layers further in left for the one around them.
struct Inner {
    Bytes bytes;
    std::uint8_t protocol = 59;        // IP protocol number; 59: nothing follows
    std::uint16_t ethertype = 0x88b5;  // local experimental, when no known layer follows
    std::optional<std::size_t> check;  // where a transport checksum still has to go
    std::uint8_t transport = 0;        // protocol number of the pseudo header
};

class Writer {
   public:
    Inner operator()(const Eth& eth) {
        Bytes out;
        append(out, eth.dst);
        append(out, eth.src);
        put16(out, eth.type.value_or(inner.ethertype));
        return wrap(std::move(out), {});
    }
    Inner operator()(const Vlan& vlan) {
        Bytes out;  // the tag's own id is written by the layer outside, as its type field
        put16(out, vlan.id);
        put16(out, inner.ethertype);
        Inner result = wrap(std::move(out), {});
        result.ethertype = vlan.tpid;
        return result;
    }
    Inner operator()(const Ip4& ip) {
        const Bytes options = padded(ip.options, 4, 0);
        const std::size_t header = 20 + options.size();
        Bytes out{static_cast<std::uint8_t>(0x40 | ip.header_words.value_or(header / 4)), ip.tos};
        put16(out, ip.total_length.value_or(header + inner.bytes.size()));
        put16(out, ip.id);
        put16(out, static_cast<std::uint16_t>((ip.dont_fragment ? 0x4000 : 0) |
                                              (ip.more_fragments ? 0x2000 : 0) |
                                              (ip.fragment_offset / 8)));
        out.push_back(ip.ttl);
        out.push_back(ip.protocol.value_or(inner.protocol));
        put16(out, 0);
        append_address(out, ip.src, true);
        append_address(out, ip.dst, true);
        append(out, options);
        set16(out, 10, ip.checksum.value_or(internet_checksum(out)));
        complete_checksum(ip.src, ip.dst, true);
        return wrap(std::move(out), {.bytes = {}, .ethertype = 0x0800, .check = {}});
    }
    Inner operator()(const Ip6& ip) {
        Bytes out;
        put32(out, 0x60000000U | (static_cast<std::uint32_t>(ip.traffic_class) << 20) |
                       (ip.flow_label & 0xfffffU));
        put16(out, ip.payload_length.value_or(inner.bytes.size()));
        out.push_back(ip.next_header.value_or(inner.protocol));
        out.push_back(ip.hop_limit);
        append_address(out, ip.src, false);
        append_address(out, ip.dst, false);
        complete_checksum(ip.src, ip.dst, false);
        return wrap(std::move(out), {.bytes = {}, .ethertype = 0x86dd, .check = {}});
    }
    Inner operator()(const Ip6Extension& extension) {
        Bytes out{extension.next_header.value_or(inner.protocol), 0};
        append(out, extension.body);
        pad_options(out);
        out[1] = static_cast<std::uint8_t>(out.size() / 8 - 1);
        return wrap_extension(std::move(out), extension.type);
    }
    Inner operator()(const Ip6Fragment& part) {
        Bytes out{part.next_header.value_or(inner.protocol), 0};
        put16(out, static_cast<std::uint16_t>(part.offset | (part.more ? 1 : 0)));
        put32(out, part.id);
        return wrap_extension(std::move(out), IPPROTO_FRAGMENT);
    }
    Inner operator()(const Tcp& tcp) {
        const Bytes options = padded(tcp.options, 4, 1);
        const auto words =
            static_cast<std::uint8_t>(tcp.header_words.value_or(5 + options.size() / 4));
        Bytes out;
        put16(out, tcp.sport);
        put16(out, tcp.dport);
        put32(out, tcp.seq);
        put32(out, tcp.ack);
        out.push_back(static_cast<std::uint8_t>(words << 4));
        out.push_back(tcp.flags);
        put16(out, tcp.window);
        put16(out, tcp.checksum.value_or(0));
        put16(out, 0);
        append(out, options);
        return transport(std::move(out), IPPROTO_TCP, 16, tcp.checksum.has_value());
    }
    Inner operator()(const Udp& udp) {
        Bytes out;
        put16(out, udp.sport);
        put16(out, udp.dport);
        put16(out, udp.length.value_or(8 + inner.bytes.size()));
        put16(out, udp.checksum.value_or(0));
        return transport(std::move(out), IPPROTO_UDP, 6, udp.checksum.has_value());
    }
    Inner operator()(const Icmp4& icmp) {
        Inner result = echo_like(icmp.type, icmp.code, icmp.rest, icmp.checksum);
        if (!icmp.checksum) {
            set16(result.bytes, 2, internet_checksum(result.bytes));
        }
        result.protocol = IPPROTO_ICMP;
        result.check.reset();  // no pseudo header
        return result;
    }
    Inner operator()(const Icmp6& icmp) {
        Inner result = echo_like(icmp.type, icmp.code, icmp.rest, icmp.checksum);
        result.protocol = IPPROTO_ICMPV6;
        result.transport = IPPROTO_ICMPV6;
        return result;
    }
    Inner operator()(const Arp& arp) {
        Bytes out{0, 1, 8, 0, 6, 4};
        put16(out, arp.operation);
        append(out, arp.sender_mac);
        append_address(out, arp.sender, true);
        append(out, arp.target_mac);
        append_address(out, arp.target, true);
        return wrap(std::move(out), {.bytes = {}, .ethertype = 0x0806, .check = {}});
    }
    Inner operator()(const Raw& raw) { return wrap(raw.bytes, {.bytes = {}, .check = {}}); }

    Inner inner;

   private:
    /// Puts `header` in front of what is inside; the other fields of the result come from `as`.
    Inner wrap(Bytes header, Inner as) {
        append(header, inner.bytes);
        as.bytes = std::move(header);
        return as;
    }
    Inner wrap_extension(Bytes header, std::uint8_t type) {
        const std::size_t shift = header.size();
        Inner result = wrap(
            std::move(header),
            {.bytes = {}, .protocol = type, .check = inner.check, .transport = inner.transport});
        if (result.check) {
            *result.check += shift;
        }
        return result;
    }
    Inner transport(Bytes header, std::uint8_t protocol, std::size_t check, bool fixed) {
        Inner result =
            wrap(std::move(header),
                 {.bytes = {}, .protocol = protocol, .check = {}, .transport = protocol});
        if (!fixed) {
            result.check = check;
        }
        return result;
    }
    Inner echo_like(std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                    std::optional<std::uint16_t> checksum) {
        Bytes out{type, code};
        put16(out, checksum.value_or(0));
        put32(out, rest);
        return transport(std::move(out), 0, 2, checksum.has_value());
    }
    /// Finishes the checksum inside, counted from the transport header to the end.
    void complete_checksum(const Address& src, const Address& dst, bool v4) {
        if (!inner.check) {
            return;
        }
        const std::size_t at = *inner.check;
        const std::size_t field = inner.transport == IPPROTO_TCP   ? 16
                                  : inner.transport == IPPROTO_UDP ? 6
                                                                   : 2;
        const Bytes segment(inner.bytes.begin() + static_cast<std::ptrdiff_t>(at - field),
                            inner.bytes.end());
        Bytes pseudo;
        append_address(pseudo, src, v4);
        append_address(pseudo, dst, v4);
        put32(pseudo, static_cast<std::uint32_t>(segment.size()));
        put32(pseudo, inner.transport);
        append(pseudo, segment);
        std::uint16_t sum = internet_checksum(pseudo);
        if (sum == 0 && inner.transport == IPPROTO_UDP) {
            sum = 0xffff;  // zero would mean "no checksum"
        }
        set16(inner.bytes, at, sum);
    }
    static void pad_options(Bytes& header) {
        const std::size_t missing = (8 - header.size() % 8) % 8;
        if (missing == 1) {
            header.push_back(0);  // Pad1
        } else if (missing > 1) {
            header.push_back(1);  // PadN
            header.push_back(static_cast<std::uint8_t>(missing - 2));
            header.insert(header.end(), missing - 2, 0);
        }
    }
};

}  // namespace

Address::Address(const char* text) {
    const auto parsed = util::IpAddress::parse(text);
    if (!parsed) {
        std::fprintf(stderr, "test error: '%s' is not an IP address\n", text);
        std::abort();
    }
    value = *parsed;
}

Bytes Packet::bytes() const {
    Writer writer;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
        writer.inner = std::visit(writer, *layer);
    }
    return writer.inner.bytes;
}

}  // namespace directfaas::support
