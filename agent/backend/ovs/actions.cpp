// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/actions.h"

namespace directfaas::backend::ovs {
namespace {

// Action types of OpenFlow 1.5 ...
constexpr unsigned kOutput = 0;
constexpr unsigned kGroup = 22;
constexpr unsigned kSetField = 25;
constexpr unsigned kCopyField = 28;
constexpr unsigned kMeter = 29;
constexpr unsigned kExperimenter = 0xffff;
// ... and Open vSwitch's own.
constexpr std::uint32_t kVendor = 0x00002320;
constexpr unsigned kNote = 8;
constexpr unsigned kResubmitTable = 14;
constexpr unsigned kController = 20;
constexpr unsigned kLearn = 45;
constexpr unsigned kTrack = 35;
constexpr unsigned kNat = 36;

constexpr unsigned kInPort16 = 0xfff8;
constexpr unsigned kWhole = 0xffff;
constexpr unsigned kActionReason = 1;  // OFPR_ACTION
constexpr unsigned kCommit = 1;
constexpr unsigned kRangeV4 = 1;
constexpr unsigned kRangeV6 = 1 << 2;
constexpr unsigned kRangePort = 1 << 4;
constexpr std::size_t kNoteHeader = 10;

void put_nat(Writer& out, const std::optional<NatTarget>& target) {
    const auto start = out.size();
    out.u16(kExperimenter).u16(0).u32(kVendor).u16(kNat).zeros(2);
    if (!target) {
        out.u16(0).u16(0);
    } else {
        const bool v4 = target->address.is_v4();
        const std::span<const std::uint8_t> address(target->address.bytes());
        // Flag bits: 0 source, 1 destination.
        out.u16(static_cast<unsigned>(target->end));
        out.u16((v4 ? kRangeV4 : kRangeV6) | (target->port != 0 ? kRangePort : 0U));
        out.raw(v4 ? address.subspan(12) : address);
        if (target->port != 0) {
            out.u16(target->port);
        }
    }
    out.pad(start);
    out.patch(start + 2, out.size() - start);
}

}  // namespace

Actions& Actions::set(Field field, std::uint64_t value) {
    const auto start = out_.size();
    Match one;
    one.with(field, value);
    out_.u16(kSetField).u16(0).u32(oxm_header(field, false)).raw(one.value_bytes(field));
    out_.pad(start);
    out_.patch(start + 2, out_.size() - start);
    return *this;
}

Actions& Actions::set(Field field, std::uint64_t value, std::uint64_t mask) {
    const auto start = out_.size();
    Match values;
    Match masks;
    values.with(field, value & mask);
    masks.with(field, mask);
    out_.u16(kSetField).u16(0).u32(oxm_header(field, true));
    out_.raw(values.value_bytes(field)).raw(masks.value_bytes(field));
    out_.pad(start);
    out_.patch(start + 2, out_.size() - start);
    return *this;
}

Actions& Actions::set(Field field, const Mac& mac) {
    const auto start = out_.size();
    out_.u16(kSetField).u16(0).u32(oxm_header(field, false)).raw(mac);
    out_.pad(start);
    out_.patch(start + 2, out_.size() - start);
    return *this;
}

Actions& Actions::copy(Field from, unsigned from_bit, Field to, unsigned to_bit, unsigned bits) {
    const auto start = out_.size();
    out_.u16(kCopyField).u16(0).u16(bits).u16(from_bit).u16(to_bit).zeros(2);
    out_.u32(oxm_header(from, false)).u32(oxm_header(to, false));
    out_.pad(start);
    out_.patch(start + 2, out_.size() - start);
    return *this;
}

Actions& Actions::resubmit(std::uint8_t table) {
    out_.u16(kExperimenter).u16(16).u32(kVendor).u16(kResubmitTable);
    out_.u16(kInPort16).u8(table).zeros(3);
    return *this;
}

Actions& Actions::output(std::uint32_t port) {
    out_.u16(kOutput).u16(16).u32(port).u16(0).zeros(6);
    return *this;
}

Actions& Actions::punt(std::uint16_t controller_id) {
    out_.u16(kExperimenter).u16(16).u32(kVendor).u16(kController);
    out_.u16(kWhole).u16(controller_id).u8(kActionReason).u8(0);
    return *this;
}

Actions& Actions::meter(std::uint32_t id) {
    out_.u16(kMeter).u16(8).u32(id);
    return *this;
}

Actions& Actions::group(std::uint32_t id) {
    out_.u16(kGroup).u16(8).u32(id);
    return *this;
}

Actions& Actions::track(const Tracking& tracking, const Actions& nested) {
    const auto start = out_.size();
    out_.u16(kExperimenter).u16(0).u32(kVendor).u16(kTrack).u16(tracking.commit ? kCommit : 0);
    if (tracking.zone_register) {
        out_.u32(oxm_header(*tracking.zone_register, false)).u16(15);  // its low 16 bits
    } else {
        out_.u32(0).u16(tracking.zone);
    }
    out_.u8(tracking.next_table).zeros(3).u16(0);
    if (tracking.translate || tracking.translation) {
        put_nat(out_, tracking.translation);
    }
    out_.raw(nested.bytes());
    out_.patch(start + 2, out_.size() - start);
    return *this;
}

Actions& Actions::learn(const Learning& learning) {
    // Of a specification's header: from a value that follows, not from a field; into a field.
    constexpr unsigned kImmediate = 1U << 13;
    constexpr unsigned kLoad = 1U << 11;
    const auto start = out_.size();
    out_.u16(kExperimenter).u16(0).u32(kVendor).u16(kLearn);
    out_.u16(0).u16(learning.lifetime).u16(learning.priority).u64(learning.cookie);
    out_.u16(0).u8(learning.table).u8(0).u16(0).u16(0);
    out_.u32(learning.limit).u16(0).u16(0);
    for (const auto& given : learning.given) {
        out_.u16(kImmediate | field_size(given.field) * 8).u16(given.value);
        out_.u32(oxm_header(given.field, false)).u16(0);
    }
    for (const Field field : learning.fields) {
        out_.u16(field_size(field) * 8);
        out_.u32(oxm_header(field, false)).u16(0);
        out_.u32(oxm_header(field, false)).u16(0);
    }
    if (learning.raises) {
        out_.u16(kImmediate | kLoad | 1U).u16(1);
        out_.u32(oxm_header(learning.raises->field, false)).u16(learning.raises->number);
    }
    out_.pad(start);
    out_.patch(start + 2, out_.size() - start);
    return *this;
}

Actions& Actions::note(std::string_view text) {
    const auto start = out_.size();
    out_.u16(kExperimenter).u16(0).u32(kVendor).u16(kNote);
    out_.raw({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    out_.zeros(text.empty() ? 6 : 0);
    out_.pad(start);
    out_.patch(start + 2, out_.size() - start);
    return *this;
}

std::optional<std::string> find_note(std::span<const std::uint8_t> actions) {
    Reader in(actions);
    while (in.left() >= 4) {
        const unsigned type = in.u16();
        const unsigned length = in.u16();
        if (length < 4) {
            return std::nullopt;
        }
        Reader body(in.take(length - 4));
        if (type != kExperimenter || length < kNoteHeader || body.u32() != kVendor ||
            body.u16() != kNote) {
            continue;
        }
        const auto bytes = body.take(body.left());
        std::string text(bytes.begin(), bytes.end());
        text.erase(text.find_last_not_of('\0') + 1);
        return text;
    }
    return std::nullopt;
}

}  // namespace directfaas::backend::ovs
