// SPDX-License-Identifier: Apache-2.0
// Builds frames layer by layer, `Eth{} / Ip4{.src = "10.0.0.1"} / Tcp{.dport = 80}`, with lengths,
// next-header fields and checksums filled in. To look at frames see packet_inspect.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/util/address.h"

namespace directfaas::support {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

/// An address written as text in a test. Aborts on text that is none.
struct Address {
    Address(const char* text);                                   // NOLINT(*-explicit-*)
    Address(const std::string& text) : Address(text.c_str()) {}  // NOLINT(*-explicit-*)
    Address(const util::IpAddress& address) : value(address) {}  // NOLINT(*-explicit-*)
    util::IpAddress value;
};

/// Ports, sequence numbers and all other numbers are in host order. Fields of type optional are
/// computed unless they are set, so that a test can also build what is wrong.
struct Eth {
    Mac src{2, 0, 0, 0, 0, 1};
    Mac dst{2, 0, 0, 0, 0, 2};
    std::optional<std::uint16_t> type{};
};
struct Vlan {
    std::uint16_t id = 1;
    std::uint16_t tpid = 0x8100;  // 0x88a8: service tag
};
struct Ip4 {
    Address src{"10.0.0.1"};
    Address dst{"10.0.0.2"};
    std::uint8_t ttl = 64;
    std::uint8_t tos = 0;
    std::uint16_t id = 0;
    bool dont_fragment = false;
    bool more_fragments = false;
    std::uint16_t fragment_offset = 0;  // bytes, a multiple of 8
    Bytes options{};                    // padded with zeros to a multiple of 4
    std::optional<std::uint8_t> protocol{};
    std::optional<std::uint16_t> total_length{};
    std::optional<std::uint8_t> header_words{};
    std::optional<std::uint16_t> checksum{};
};
struct Ip6 {
    Address src{"fd00::1"};
    Address dst{"fd00::2"};
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;
    std::optional<std::uint8_t> next_header{};
    std::optional<std::uint16_t> payload_length{};
};
/// An IPv6 extension header of the common form: hop-by-hop (0), routing (43), destination (60).
struct Ip6Extension {
    std::uint8_t type = 60;
    Bytes body{};  // after the two length bytes; padded with PadN to a multiple of 8
    std::optional<std::uint8_t> next_header{};
};
struct Ip6Fragment {
    std::uint32_t id = 1;
    std::uint16_t offset = 0;  // bytes, a multiple of 8
    bool more = false;
    std::optional<std::uint8_t> next_header{};
};

namespace tcp_flag {
inline constexpr std::uint8_t kFin = 1;
inline constexpr std::uint8_t kSyn = 2;
inline constexpr std::uint8_t kRst = 4;
inline constexpr std::uint8_t kPsh = 8;
inline constexpr std::uint8_t kAck = 16;
}  // namespace tcp_flag

struct Tcp {
    std::uint16_t sport = 40000;
    std::uint16_t dport = 80;
    std::uint32_t seq = 1000;
    std::uint32_t ack = 0;
    std::uint8_t flags = tcp_flag::kSyn;
    std::uint16_t window = 64240;
    Bytes options{};  // padded with NOPs to a multiple of 4
    std::optional<std::uint8_t> header_words{};
    std::optional<std::uint16_t> checksum{};
};
struct Udp {
    std::uint16_t sport = 40000;
    std::uint16_t dport = 53;
    std::optional<std::uint16_t> length{};
    std::optional<std::uint16_t> checksum{};  // 0: none (IPv4 only)
};
/// `rest` is the second word of the header: identifier and sequence of an echo, MTU of "too big".
struct Icmp4 {
    std::uint8_t type = 8;  // echo request
    std::uint8_t code = 0;
    std::uint32_t rest = 0x00010001;
    std::optional<std::uint16_t> checksum{};
};
struct Icmp6 {
    std::uint8_t type = 128;  // echo request
    std::uint8_t code = 0;
    std::uint32_t rest = 0x00010001;
    std::optional<std::uint16_t> checksum{};
};
struct Arp {
    std::uint16_t operation = 1;  // 1 request, 2 reply
    Mac sender_mac{2, 0, 0, 0, 0, 1};
    Address sender{"10.0.0.1"};
    Mac target_mac{};
    Address target{"10.0.0.2"};
};
struct Raw {
    Bytes bytes{};

    Raw() = default;
    explicit Raw(Bytes data) : bytes(std::move(data)) {}
    explicit Raw(std::string_view text) : bytes(text.begin(), text.end()) {}
};

using Layer =
    std::variant<Eth, Vlan, Ip4, Ip6, Ip6Extension, Ip6Fragment, Tcp, Udp, Icmp4, Icmp6, Arp, Raw>;

/// A stack of layers, outermost first.
class Packet {
   public:
    Packet(Layer layer) : layers_{std::move(layer)} {}  // NOLINT(*-explicit-*)

    Packet& operator/=(Layer layer) {
        layers_.push_back(std::move(layer));
        return *this;
    }
    /// The frame, lengths and checksums included.
    [[nodiscard]] Bytes bytes() const;

   private:
    std::vector<Layer> layers_;
};

inline Packet operator/(Packet packet, Layer layer) {
    packet /= std::move(layer);
    return packet;
}
/// Lets two bare layers start a packet: `Eth{} / Ip4{}`.
template <typename First, typename Second>
    requires std::is_constructible_v<Layer, First> && std::is_constructible_v<Layer, Second>
Packet operator/(First first, Second second) {
    Packet packet{Layer{std::move(first)}};
    packet /= Layer{std::move(second)};
    return packet;
}

/// What an ICMP error carries of the packet it is about: the frame without its Ethernet header,
/// cut after the IP header and `transport_bytes` of what follows.
Raw quote(const Bytes& frame, std::size_t transport_bytes = 8);

/// Cuts a frame (Ethernet, no tags) into IP fragments of `payload_bytes` each (a multiple of 8).
std::vector<Bytes> fragment(const Bytes& frame, std::size_t payload_bytes, std::uint32_t id);

}  // namespace directfaas::support
