// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/match.h"

#include <netinet/in.h>

#include <algorithm>

namespace directfaas::backend::ovs {
namespace {

constexpr std::uint16_t kMatchTypeOxm = 1;
constexpr std::uint32_t kPacketRegisters = 0x8001;  // a class

Bytes in_order(std::uint64_t value, unsigned size) {
    Bytes bytes(size);
    for (unsigned i = 0; i < size && i < 8; ++i) {
        bytes[size - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return bytes;
}

std::span<const std::uint8_t> significant(const util::IpAddress& address) {
    const std::span<const std::uint8_t> all(address.bytes());
    return address.is_v4() ? all.subspan(12) : all;
}

bool all_ones(std::span<const std::uint8_t> mask) {
    return std::ranges::all_of(mask, [](std::uint8_t byte) { return byte == 0xff; });
}

constexpr std::size_t kOxmHeader = 4;

std::span<const std::uint8_t> as_bytes(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

unsigned field_size(Field field) {
    switch (field) {
        case Field::kCtLabel:
        case Field::kCtSource6:
        case Field::kCtDestination6:
        case Field::kSource6:
        case Field::kDestination6:
        case Field::kNdTarget:
            return 16;
        case Field::kEthDestination:
        case Field::kEthSource:
            return 6;
        case Field::kVlan:
        case Field::kEthType:
        case Field::kTcpSource:
        case Field::kTcpDestination:
        case Field::kUdpDestination:
        case Field::kTcpFlags:
        case Field::kCtSourcePort:
        case Field::kCtDestinationPort:
            return 2;
        case Field::kCtProtocol:
        case Field::kIpProtocol:
        case Field::kIcmp4Type:
        case Field::kIcmp6Type:
            return 1;
        default:
            return 4;
    }
}

std::uint32_t oxm_header(Field field, bool masked) {
    const unsigned length = field_size(field) * (masked ? 2 : 1);
    return (static_cast<std::uint32_t>(field) << 9) | (masked ? 1U << 8 : 0U) | length;
}

Match::Entry Match::entry_at(std::size_t begin) const {
    if (begin >= fields_.size()) {
        return {.begin = fields_.size()};
    }
    const std::uint32_t header = Reader(as_bytes(fields_).subspan(begin)).u32();
    return {.field = static_cast<Field>(header >> 9),
            .masked = (header & 0x100) != 0,
            .begin = begin,
            .size = kOxmHeader + (header & 0xff)};
}

Match::Entry Match::lower_bound(Field field) const {
    Entry entry = entry_at(0);
    while (entry.size != 0 && entry.field < field) {
        entry = entry_at(entry.begin + entry.size);
    }
    return entry;
}

Match& Match::with(Field field, std::uint64_t value) {
    return bytes(field, in_order(value, field_size(field)));
}

Match& Match::with(Field field, std::uint64_t value, std::uint64_t mask) {
    const unsigned size = field_size(field);
    const auto value_bytes = in_order(value & mask, size);
    const auto mask_bytes = in_order(mask, size);
    return bytes(field, value_bytes, mask_bytes);
}

Match& Match::bytes(Field field, std::span<const std::uint8_t> value,
                    std::span<const std::uint8_t> mask) {
    const bool masked = !all_ones(mask);  // nor is no mask at all
    // Fields that we do not know have lengths that we do not know.
    const auto length = static_cast<std::uint32_t>(value.size() * (masked ? 2 : 1));
    Writer text;
    text.u32((static_cast<std::uint32_t>(field) << 9) | (masked ? 1U << 8 : 0U) | length);
    text.raw(value).raw(masked ? mask : mask.first(0));
    const Entry at = lower_bound(field);
    fields_.replace(at.begin, at.field == field ? at.size : 0,
                    reinterpret_cast<const char*>(text.bytes().data()), text.size());
    return *this;
}

Match& Match::source(const util::IpAddress& address) {
    address.is_v4() ? ipv4() : ipv6();
    return bytes(address.is_v4() ? Field::kSource4 : Field::kSource6, significant(address));
}

Match& Match::destination(const util::IpAddress& address) {
    address.is_v4() ? ipv4() : ipv6();
    return bytes(address.is_v4() ? Field::kDestination4 : Field::kDestination6,
                 significant(address));
}

Match& Match::source(const util::IpPrefix& prefix) {
    const bool v4 = prefix.base.is_v4();
    v4 ? ipv4() : ipv6();
    const auto mask = prefix.mask();
    const std::span<const std::uint8_t> all(mask.bytes());
    return bytes(v4 ? Field::kSource4 : Field::kSource6, significant(prefix.base),
                 v4 ? all.subspan(12) : all);
}

Match& Match::transport(util::Protocol protocol_, std::uint16_t port) {
    protocol(static_cast<std::uint8_t>(protocol_));
    if (port != 0) {
        with(protocol_ == util::Protocol::kTcp ? Field::kTcpDestination : Field::kUdpDestination,
             port);
    }
    return *this;
}

Match& Match::opens_to(util::Protocol protocol_, std::uint16_t port) {
    with(Field::kCtState, kNew | kTracked, kNew | kTracked);
    with(Field::kCtProtocol, static_cast<std::uint64_t>(protocol_));
    return with(Field::kCtDestinationPort, port);
}

void Match::write(Writer& out) const {
    const auto start = out.size();
    out.u16(kMatchTypeOxm).u16(0);
    out.raw(as_bytes(fields_));
    out.patch(start + 2, out.size() - start);
    out.pad(start);
}

/// OpenFlow 1.5 tells registers in pairs, as "packet registers" of 8 bytes.
void Match::take_register_pair(unsigned pair, std::span<const std::uint8_t> value,
                               std::span<const std::uint8_t> mask) {
    constexpr std::size_t kHalf = 4;
    for (unsigned i = 0; i < 2 && value.size() == 2 * kHalf; ++i) {
        const auto half_mask = mask.empty() ? mask : mask.subspan(i * kHalf, kHalf);
        if (mask.empty() || std::ranges::any_of(half_mask, [](auto byte) { return byte != 0; })) {
            bytes(reg(2 * pair + i), value.subspan(i * kHalf, kHalf), half_mask);
        }
    }
}

std::optional<Match> Match::read(Reader& in) {
    const std::uint16_t type = in.u16();
    const std::uint16_t length = in.u16();
    if (type != kMatchTypeOxm || length < 4) {
        return std::nullopt;
    }
    Reader fields(in.take(length - 4U));
    in.skip((8 - length % 8) % 8);
    Match match;
    while (fields.left() >= 4) {
        const std::uint32_t header = fields.u32();
        const bool masked = (header & 0x100) != 0;
        const unsigned size = (header & 0xff) / (masked ? 2 : 1);
        const auto value = fields.take(size);
        const auto mask = fields.take(masked ? size : 0);
        if (header >> 16 == kPacketRegisters) {
            match.take_register_pair((header >> 9) & 0x7f, value, mask);
        } else {
            match.bytes(static_cast<Field>(header >> 9), value, mask);
        }
    }
    return in.ok() && fields.ok() ? std::optional(std::move(match)) : std::nullopt;
}

std::optional<std::uint64_t> Match::value(Field field) const {
    const auto bytes = value_bytes(field);
    if (bytes.empty() || bytes.size() > 8 || lower_bound(field).masked) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) {
        value = (value << 8) | byte;
    }
    return value;
}

std::span<const std::uint8_t> Match::value_bytes(Field field) const {
    const Entry entry = lower_bound(field);
    if (entry.size == 0 || entry.field != field) {
        return {};
    }
    const auto rest = as_bytes(fields_).subspan(entry.begin + kOxmHeader, entry.size - kOxmHeader);
    return entry.masked ? rest.first(rest.size() / 2) : rest;
}

std::optional<util::IpAddress> Match::address(Field v4, Field v6) const {
    const auto four = value_bytes(v4);
    return util::IpAddress::from_bytes(four.empty() ? value_bytes(v6) : four);
}

}  // namespace directfaas::backend::ovs
