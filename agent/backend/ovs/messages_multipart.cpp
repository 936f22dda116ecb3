// SPDX-License-Identifier: Apache-2.0
// Groups, which may need several messages, and the parts of multipart replies.
#include <algorithm>
#include <cstring>

#include "agent/backend/ovs/messages.h"

namespace directfaas::backend::ovs {
namespace {

constexpr std::size_t kMultipartHeader = kHeaderSize + 8;
constexpr unsigned kSelect = 1;
constexpr std::uint32_t kBucketLast = 0xfffffffe;
constexpr std::uint32_t kNetronome = 0x0000154d;
constexpr std::size_t kBucketsMax =
    48UL * 1024;  // bytes of one message; a bundle's header fits, too
enum class GroupCommand : std::uint16_t {
    kDelete = 2,
    kInsertBucket = 3,
    kRemoveBucket = 5,
    kAddOrModify = 0x8000,  // Open vSwitch's own
};

void put_bucket(Writer& out, const Bucket& bucket) {
    const auto start = out.size();
    out.u16(0).u16(static_cast<unsigned>(bucket.actions.size())).u32(bucket.id);
    out.raw(bucket.actions);
    out.u16(0).u16(8).u16(1).zeros(2);  // property: weight 1
    out.patch(start, out.size() - start);
}

/// The choice is a hash: of addresses and ports, computed by the datapath, or of one field, so that
/// each of its values has an order of preference among all buckets (NTR selection method, OVS's
/// Documentation/group-selection-method-property.txt).
void put_selection_method(Writer& out, std::optional<Field> chosen_by) {
    const std::string_view name = chosen_by ? "hash" : "dp_hash";
    std::array<std::uint8_t, 16> method{};
    std::ranges::copy(name, method.begin());
    Writer fields;
    if (chosen_by) {
        const Bytes whole(field_size(*chosen_by), 0xff);
        fields.u32(oxm_header(*chosen_by, false)).raw(whole);
    }
    const auto length = static_cast<unsigned>(40 + fields.size());
    out.u16(0xffff).u16(length).u32(kNetronome).u32(1).zeros(4).raw(method).u64(0);
    out.raw(fields.bytes()).zeros((8 - length % 8) % 8);
}

Bytes group_mod(GroupCommand command, std::uint32_t id, const Writer& buckets, std::uint32_t where,
                std::optional<Field> chosen_by = {}) {
    Writer out;
    out.u8(kVersion).u8(static_cast<unsigned>(MessageType::kGroupMod)).u16(0).u32(0);
    out.u16(static_cast<unsigned>(command)).u8(kSelect).u8(0).u32(id);
    out.u16(static_cast<unsigned>(buckets.size())).zeros(2).u32(where);
    out.raw(buckets.bytes());
    if (command == GroupCommand::kAddOrModify) {
        put_selection_method(out, chosen_by);
    }
    out.patch(2, out.size());
    return out.take();
}

/// All buckets: the first message has as many as fit, others insert the rest.
std::vector<Bytes> write_whole(const Group& group) {
    std::vector<Bytes> messages;
    Writer buckets;
    const auto flush = [&] {
        const auto command =
            messages.empty() ? GroupCommand::kAddOrModify : GroupCommand::kInsertBucket;
        messages.push_back(group_mod(
            command, group.id, buckets,
            command == GroupCommand::kInsertBucket ? kBucketLast : 0xffffffff, group.chosen_by));
        buckets = {};
    };
    for (const Bucket& bucket : group.buckets) {
        if (buckets.size() + bucket.actions.size() + 32 > kBucketsMax) {
            flush();
        }
        put_bucket(buckets, bucket);
    }
    flush();
    return messages;
}

/// Only the buckets that differ.
std::vector<Bytes> write_difference(const Group& group, const std::vector<Bucket>& before) {
    std::vector<Bytes> messages;
    for (const Bucket& old : before) {
        if (std::ranges::find(group.buckets, old) == group.buckets.end()) {
            messages.push_back(group_mod(GroupCommand::kRemoveBucket, group.id, {}, old.id));
        }
    }
    for (const Bucket& bucket : group.buckets) {
        if (std::ranges::find(before, bucket) == before.end()) {
            Writer one;
            put_bucket(one, bucket);
            messages.push_back(group_mod(GroupCommand::kInsertBucket, group.id, one, kBucketLast));
        }
    }
    return messages;
}

bool read_flow(Reader& in, FoundFlow& flow) {
    flow.table = in.u8();
    in.skip(1);
    flow.priority = in.u16();
    in.skip(8);  // timeouts, flags, importance
    flow.cookie = in.u64();
    auto match = Match::read(in);
    if (!match) {
        return false;
    }
    flow.match = std::move(*match);
    in.skip(2);  // statistics: reserved, length, fields
    const unsigned length = in.u16();
    Reader statistics(in.take(length < 4 ? 0 : length - 4));
    in.skip((8 - length % 8) % 8);
    while (statistics.left() >= 4) {
        const std::uint32_t header = statistics.u32();
        Reader value(statistics.take(header & 0xff));
        const std::uint32_t field = (header >> 9) & 0x7f;
        if (field == 4) {
            flow.packets = value.u64();
        } else if (field == 5) {
            flow.bytes = value.u64();
        }
    }
    in.skip(8);  // one instruction: apply actions
    const auto actions = in.take(in.left());
    flow.actions.assign(actions.begin(), actions.end());
    return statistics.ok();
}

}  // namespace

std::vector<Bytes> group_messages(const Change::GroupChange& change) {
    if (change.before.size() > 64 && !change.group.buckets.empty()) {
        auto messages = write_difference(change.group, change.before);
        if (messages.size() < change.group.buckets.size() / 8) {
            return messages;
        }
    }
    return write_whole(change.group);
}

Bytes remove_group(std::uint32_t id) {
    return group_mod(GroupCommand::kDelete, id, {}, 0xffffffff);
}

bool read_flows(std::span<const std::uint8_t> reply, std::vector<FoundFlow>& flows) {
    Reader in(reply.subspan(std::min(kMultipartHeader, reply.size())));
    while (in.left() >= 24) {
        const unsigned length = in.u16();
        if (length < 24) {
            return false;
        }
        Reader entry(in.take(length - 2U));
        entry.skip(2);
        if (!read_flow(entry, flows.emplace_back())) {
            return false;
        }
    }
    return in.ok();
}

bool read_ports(std::span<const std::uint8_t> reply, std::vector<FoundPort>& ports) {
    Reader in(reply.subspan(std::min(kMultipartHeader, reply.size())));
    while (in.left() >= 40) {
        FoundPort port;
        port.number = in.u32();
        const unsigned length = in.u16();
        in.skip(2);
        const auto mac = in.take(6);
        std::ranges::copy(mac, port.mac.begin());
        in.skip(2);
        const auto name = in.take(16);
        port.name.assign(name.begin(), std::ranges::find(name, 0));
        if (length < 32) {
            return false;
        }
        in.skip(length - 32U);
        ports.push_back(std::move(port));
    }
    return in.ok();
}

bool read_meter_drops(std::span<const std::uint8_t> reply,
                      std::map<std::uint32_t, std::uint64_t>& drops) {
    Reader in(reply.subspan(std::min(kMultipartHeader, reply.size())));
    while (in.left() >= 40) {
        const std::uint32_t id = in.u32();
        const unsigned length = in.u16();
        if (length < 40) {
            return false;
        }
        in.skip(6 + 4 + 8 + 8 + 8);  // reference count, packets, bytes, duration
        Reader bands(in.take(length - 40U));
        while (bands.left() >= 16) {
            drops[id] += bands.u64();
            bands.skip(8);
        }
    }
    return in.ok();
}

}  // namespace directfaas::backend::ovs
