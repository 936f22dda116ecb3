// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/messages.h"

#include <fmt/format.h>

#include <array>

namespace directfaas::backend::ovs {
namespace {

constexpr std::uint32_t kNicira = 0x00002320;
constexpr std::uint32_t kNoBuffer = 0xffffffff;
constexpr std::uint32_t kAnyGroup = 0xffffffff;
constexpr unsigned kApplyActions = 4;
constexpr unsigned kSetControllerId = 20;
constexpr unsigned kFlushZone = 29;
constexpr unsigned kFlushConnection = 32;
enum class FlowCommand : std::uint8_t { kAdd = 0, kDelete = 3, kDeleteStrict = 4 };

Writer begin(MessageType type) {
    Writer out;
    out.u8(kVersion).u8(static_cast<unsigned>(type)).u16(0).u32(0);
    return out;
}

Bytes finish(Writer out) {
    out.patch(2, out.size());
    return out.take();
}

Bytes flow_mod(const Flow& flow, FlowCommand command, std::uint64_t cookie_mask) {
    auto out = begin(MessageType::kFlowMod);
    out.u64(flow.cookie).u64(cookie_mask).u8(flow.table).u8(static_cast<unsigned>(command));
    out.u16(0).u16(0).u16(flow.priority).u32(kNoBuffer).u32(kPortAny).u32(kAnyGroup);
    out.u16(0).u16(0);
    flow.match.write(out);
    if (command == FlowCommand::kAdd) {
        out.u16(kApplyActions).u16(8 + static_cast<unsigned>(flow.actions.size())).zeros(4);
        out.raw(flow.actions);
    }
    return finish(std::move(out));
}

Writer experimenter(unsigned subtype) {
    auto out = begin(MessageType::kExperimenter);
    out.u32(kNicira).u32(subtype);
    return out;
}

Bytes bundle(std::uint32_t id, BundleStep step) {
    constexpr unsigned kAtomicOrdered = 3;
    auto out = begin(MessageType::kBundleControl);
    out.u32(id).u16(static_cast<unsigned>(step)).u16(kAtomicOrdered);
    return finish(std::move(out));
}

/// A property of an experimenter's message: type, length without padding, value.
void property(Writer& out, unsigned type, std::span<const std::uint8_t> value) {
    const auto start = out.size();
    out.u16(type).u16(4 + static_cast<unsigned>(value.size())).raw(value);
    out.pad(start);
}

Bytes two_bytes(std::uint16_t value) {
    return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

}  // namespace

Header read_header(std::span<const std::uint8_t> message) {
    Reader in(message);
    Header header;
    header.version = in.u8();
    header.type = static_cast<MessageType>(in.u8());
    header.length = in.u16();
    header.transaction = in.u32();
    return header;
}

void set_transaction(Bytes& message, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) {
        message[4 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    }
}

Bytes simple_message(MessageType type) { return finish(begin(type)); }

Bytes hello() {
    auto out = begin(MessageType::kHello);
    out.u16(1).u16(8).u32(1U << kVersion);  // bitmap of versions
    return finish(std::move(out));
}

Bytes set_config() {
    auto out = begin(MessageType::kSetConfig);
    out.u16(0).u16(0xffff);
    return finish(std::move(out));
}

Bytes set_controller_id(std::uint16_t id) {
    auto out = experimenter(kSetControllerId);
    out.zeros(6).u16(id);
    return finish(std::move(out));
}

Bytes put_flow(const Flow& flow) { return flow_mod(flow, FlowCommand::kAdd, 0); }
Bytes remove_flow(const Flow& flow) {
    Flow any = flow;
    any.cookie = kCookieMagic;
    return flow_mod(any, FlowCommand::kDeleteStrict, kCookieMagicMask);
}
Bytes remove_flows(std::uint64_t cookie, std::uint64_t mask) {
    Flow all;
    all.table = 0xff;
    all.cookie = cookie;
    return flow_mod(all, FlowCommand::kDelete, mask);
}

Bytes meter(std::uint32_t id, std::uint32_t rate, std::uint32_t burst, bool exists) {
    constexpr unsigned kPacketsBurstStats = 2 | 4 | 8;
    constexpr unsigned kDrop = 1;
    auto out = begin(MessageType::kMeterMod);
    out.u16(exists ? 1 : 0).u16(kPacketsBurstStats).u32(id);
    out.u16(kDrop).u16(16).u32(rate).u32(burst).zeros(4);
    return finish(std::move(out));
}

Bytes remove_meter(std::uint32_t id) {
    auto out = begin(MessageType::kMeterMod);
    out.u16(2).u16(0).u32(id);
    return finish(std::move(out));
}

Bytes bundle_control(std::uint32_t id, BundleStep step) { return bundle(id, step); }

Bytes bundle_add(std::uint32_t id, const Bytes& message) {
    constexpr unsigned kAtomicOrdered = 3;
    auto out = begin(MessageType::kBundleAdd);
    out.u32(id).u16(0).u16(kAtomicOrdered).raw(message);
    return finish(std::move(out));
}

Bytes packet_out(std::uint32_t in_port, const Actions& actions,
                 std::span<const std::uint8_t> frame) {
    auto out = begin(MessageType::kPacketOut);
    out.u32(kNoBuffer).u16(static_cast<unsigned>(actions.bytes().size())).zeros(2);
    Match().with(Field::kInPort, in_port).write(out);
    out.raw(actions.bytes()).raw(frame);
    return finish(std::move(out));
}

Bytes flows_request(std::uint8_t table, std::uint64_t cookie, std::uint64_t cookie_mask) {
    auto out = begin(MessageType::kMultipartRequest);
    out.u16(static_cast<unsigned>(Multipart::kFlows)).u16(0).zeros(4);
    out.u8(table).zeros(3).u32(kPortAny).u32(kAnyGroup).zeros(4).u64(cookie).u64(cookie_mask);
    Match().write(out);
    return finish(std::move(out));
}

Bytes multipart_request(Multipart type, std::uint32_t first_word) {
    auto out = begin(MessageType::kMultipartRequest);
    out.u16(static_cast<unsigned>(type)).u16(0).zeros(4).u32(first_word).zeros(4);
    return finish(std::move(out));
}

Bytes flush_zone(std::uint16_t zone) {
    auto out = experimenter(kFlushZone);
    out.zeros(6).u16(zone);
    return finish(std::move(out));
}

Bytes flush_connection(std::uint16_t zone, std::uint8_t protocol, const Tuple& opened) {
    constexpr unsigned kOriginalTuple = 0;
    constexpr unsigned kZone = 2;
    auto out = experimenter(kFlushConnection);
    out.u8(protocol).zeros(7);
    const auto start = out.size();
    out.u16(kOriginalTuple).u16(0).zeros(4);
    property(out, 0, opened.source.bytes());
    property(out, 1, opened.destination.bytes());
    property(out, 2, two_bytes(opened.source_port));
    property(out, 3, two_bytes(opened.destination_port));
    out.patch(start + 2, out.size() - start);
    property(out, kZone, two_bytes(zone));
    return finish(std::move(out));
}

std::optional<PacketIn> read_packet_in(std::span<const std::uint8_t> message) {
    Reader in(message);
    in.skip(kHeaderSize + 4 + 2 + 1);  // buffer, length, reason
    PacketIn packet;
    packet.table = in.u8();
    packet.cookie = in.u64();
    auto fields = Match::read(in);
    if (!fields) {
        return std::nullopt;
    }
    packet.fields = std::move(*fields);
    in.skip(2);
    packet.frame = in.take(in.left());
    return in.ok() ? std::optional(std::move(packet)) : std::nullopt;
}

std::string error_text(std::span<const std::uint8_t> message) {
    static constexpr std::array<const char*, 18> kTypes{"hello failed",
                                                        "bad request",
                                                        "bad action",
                                                        "bad instruction",
                                                        "bad match",
                                                        "flow refused",
                                                        "group refused",
                                                        "port refused",
                                                        "table refused",
                                                        "queue refused",
                                                        "configuration refused",
                                                        "role refused",
                                                        "meter refused",
                                                        "table features refused",
                                                        "bad property",
                                                        "asynchronous refused",
                                                        "monitor refused",
                                                        "bundle refused"};
    Reader in(message);
    in.skip(kHeaderSize);
    const unsigned type = in.u16();
    const unsigned code = in.u16();
    if (type == 0xffff) {
        return fmt::format("error {} of vendor {:#x}", code, in.u32());
    }
    return type < kTypes.size() ? fmt::format("{}, code {}", kTypes.at(type), code)
                                : fmt::format("error type {}, code {}", type, code);
}

}  // namespace directfaas::backend::ovs
