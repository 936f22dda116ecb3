// SPDX-License-Identifier: Apache-2.0
// Addresses, prefixes and transport protocols as types, so that byte order is never a comment.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace directfaas::util {

/// An IPv4 or IPv6 address. Stored as 16 bytes in network order; IPv4 in its mapped form
/// (RFC 4291 §2.5.5.2), which is also the form of the switch's maps.
class IpAddress {
   public:
    constexpr IpAddress() = default;
    constexpr explicit IpAddress(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

    /// Parses dotted-quad or RFC 4291 text; nothing for anything else (no ports, zones, prefixes).
    static std::optional<IpAddress> parse(std::string_view text);
    /// From bytes in network order, as in packets and kernel messages: 4 are IPv4, 16 are IPv6 (or
    /// the mapped form). Nothing for any other number of bytes.
    static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);

    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool is_unspecified() const;
    [[nodiscard]] std::string text() const;
    [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

    constexpr auto operator<=>(const IpAddress&) const = default;

   private:
    std::array<std::uint8_t, 16> bytes_{};
};

/// An address range in CIDR notation. Host bits are cleared on parse.
struct IpPrefix {
    IpAddress base;
    int bits = 0;  ///< prefix length within the 16-byte form: IPv4 /24 is 96 + 24

    static std::optional<IpPrefix> parse(std::string_view text);
    [[nodiscard]] bool contains(const IpAddress& address) const;
    [[nodiscard]] IpAddress mask() const;
    [[nodiscard]] std::string text() const;

    auto operator<=>(const IpPrefix&) const = default;
};

/// Transport protocol; values are the IP protocol numbers.
enum class Protocol : std::uint8_t { kTcp = 6, kUdp = 17 };

/// "TCP" or "UDP", as Kubernetes writes them.
std::string_view protocol_name(Protocol protocol);
std::optional<Protocol> parse_protocol(std::string_view text);

/// "10.0.0.1:80" or "[fd00::1]:80".
std::string endpoint_text(const IpAddress& address, std::uint16_t port);

}  // namespace directfaas::util

template <>
struct std::hash<directfaas::util::IpAddress> {
    std::size_t operator()(const directfaas::util::IpAddress& address) const noexcept {
        return std::hash<std::string_view>{}(std::string_view(
            reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size()));
    }
};
