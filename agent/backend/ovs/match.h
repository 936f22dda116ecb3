// SPDX-License-Identifier: Apache-2.0
// What a flow matches: fields in the OpenFlow extensible match format (OpenFlow 1.5, 7.2.3).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/backend/ovs/wire.h"
#include "lib/util/address.h"

namespace directfaas::backend::ovs {

/// Class and field number of an OXM; the fields we use. NXM_1 ones are documented in
/// ovs-fields(7).
enum class Field : std::uint32_t {
    kReg0 = 0x0001U << 7,  // kReg0 + n is register n
    kCtState = (0x0001U << 7) | 105,
    kCtMark = (0x0001U << 7) | 107,
    kCtLabel = (0x0001U << 7) | 108,
    kCtProtocol = (0x0001U << 7) | 119,
    kCtSource4 = (0x0001U << 7) | 120,
    kCtDestination4 = (0x0001U << 7) | 121,
    kCtSource6 = (0x0001U << 7) | 122,
    kCtDestination6 = (0x0001U << 7) | 123,
    kCtSourcePort = (0x0001U << 7) | 124,
    kCtDestinationPort = (0x0001U << 7) | 125,
    kVlan = (0x8000U << 7) | 6,  // OFPVID_PRESENT, 0x1000, is part of it
    kInPort = 0x8000U << 7,
    kEthDestination = (0x8000U << 7) | 3,
    kEthSource = (0x8000U << 7) | 4,
    kEthType = (0x8000U << 7) | 5,
    kIpProtocol = (0x8000U << 7) | 10,
    kSource4 = (0x8000U << 7) | 11,
    kDestination4 = (0x8000U << 7) | 12,
    kTcpSource = (0x8000U << 7) | 13,
    kTcpDestination = (0x8000U << 7) | 14,
    kUdpDestination = (0x8000U << 7) | 16,
    kIcmp4Type = (0x8000U << 7) | 19,
    kArpSource = (0x8000U << 7) | 22,
    kSource6 = (0x8000U << 7) | 26,
    kDestination6 = (0x8000U << 7) | 27,
    kIcmp6Type = (0x8000U << 7) | 29,
    kNdTarget = (0x8000U << 7) | 31,
    kTcpFlags = (0x8000U << 7) | 42,
};
constexpr Field reg(unsigned number) {
    return static_cast<Field>(static_cast<std::uint32_t>(Field::kReg0) + number);
}
/// Bytes of a field's value.
unsigned field_size(Field field);
/// The four bytes that announce a field.
std::uint32_t oxm_header(Field field, bool masked);

/// Bits of Field::kCtState.
inline constexpr std::uint32_t kNew = 0x01;
inline constexpr std::uint32_t kEstablished = 0x02;
inline constexpr std::uint32_t kRelated = 0x04;
inline constexpr std::uint32_t kReply = 0x08;
inline constexpr std::uint32_t kInvalid = 0x10;
inline constexpr std::uint32_t kTracked = 0x20;
inline constexpr std::uint32_t kDestinationTranslated = 0x80;

/// Values of Field::kEthType.
inline constexpr std::uint16_t kEthIpv4 = 0x0800;
inline constexpr std::uint16_t kEthIpv6 = 0x86dd;

class Match {
   public:
    /// Adds a field with an exact value, or with a mask. Host order; at most 8 bytes.
    Match& with(Field field, std::uint64_t value);
    Match& with(Field field, std::uint64_t value, std::uint64_t mask);
    Match& bytes(Field field, std::span<const std::uint8_t> value,
                 std::span<const std::uint8_t> mask = {});

    // What fields need before them comes with them.
    Match& source(const util::IpAddress& address);
    Match& destination(const util::IpAddress& address);
    Match& source(const util::IpPrefix& prefix);
    Match& ipv4() { return with(Field::kEthType, kEthIpv4); }
    Match& ipv6() { return with(Field::kEthType, kEthIpv6); }
    Match& arp() { return with(Field::kEthType, 0x0806); }
    /// The protocol and, unless 0, the destination port.
    Match& transport(util::Protocol protocol, std::uint16_t port);
    /// The same for a packet that opens a connection, found out by the connection tracker: so it is
    /// known of all fragments of a datagram.
    Match& opens_to(util::Protocol protocol, std::uint16_t port);
    Match& protocol(std::uint8_t number) { return with(Field::kIpProtocol, number); }
    Match& tcp_flags(std::uint16_t value, std::uint16_t mask) {
        return with(Field::kTcpFlags, value, mask);
    }

    /// The fields without padding, in one order: equal matches give equal text.
    [[nodiscard]] const std::string& key() const { return fields_; }
    /// As in messages: type, length, fields, padding.
    void write(Writer& out) const;
    /// Reads what write() wrote, padding included; nothing if it is cut off.
    static std::optional<Match> read(Reader& in);

    /// An exact value; nothing if the field is absent, masked or longer than 8 bytes.
    [[nodiscard]] std::optional<std::uint64_t> value(Field field) const;
    /// The bytes of a field, empty if absent. Valid until the match changes or moves.
    [[nodiscard]] std::span<const std::uint8_t> value_bytes(Field field) const;
    /// The address in the first of two fields that is there; nothing if neither is.
    [[nodiscard]] std::optional<util::IpAddress> address(Field v4, Field v6) const;

    bool operator==(const Match&) const = default;

   private:
    void take_register_pair(unsigned pair, std::span<const std::uint8_t> value,
                            std::span<const std::uint8_t> mask);

    /// A field as it stands in fields_.
    struct Entry {
        Field field{};
        bool masked = false;
        std::size_t begin = 0;
        std::size_t size = 0;  // of header, value and mask
    };
    [[nodiscard]] Entry entry_at(std::size_t begin) const;
    /// The first entry that is not before `field`.
    [[nodiscard]] Entry lower_bound(Field field) const;

    /// As on the wire, by ascending field: there are 100 000s of matches, and they are compared.
    std::string fields_;
};

}  // namespace directfaas::backend::ovs
