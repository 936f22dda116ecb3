// SPDX-License-Identifier: Apache-2.0
// OpenFlow 1.5 messages (chapter 7), those that we send and read. A message is complete but for its
// transaction number, which the connection writes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/backend/ovs/flow.h"
#include "agent/backend/ovs/wire.h"

namespace directfaas::backend::ovs {

enum class MessageType : std::uint8_t {
    kHello = 0,
    kError = 1,
    kEchoRequest = 2,
    kEchoReply = 3,
    kExperimenter = 4,
    kFeaturesRequest = 5,
    kSetConfig = 9,
    kPacketIn = 10,
    kPortStatus = 12,
    kPacketOut = 13,
    kFlowMod = 14,
    kGroupMod = 15,
    kMultipartRequest = 18,
    kMultipartReply = 19,
    kBarrierRequest = 20,
    kBarrierReply = 21,
    kMeterMod = 29,
    kBundleControl = 33,
    kBundleAdd = 34,
};
enum class Multipart : std::uint16_t {
    kFlows = 1,
    kMeterStats = 9,
    kPorts = 13,
};
enum class BundleStep : std::uint16_t { kOpen = 0, kCommit = 4, kDiscard = 6 };

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::size_t kMessageMax = 65535;
inline constexpr std::uint8_t kVersion = 6;  // 1.5

struct Header {
    std::uint8_t version = 0;
    MessageType type{};
    std::uint16_t length = 0;
    std::uint32_t transaction = 0;
};
Header read_header(std::span<const std::uint8_t> message);
void set_transaction(Bytes& message, std::uint32_t number);

Bytes simple_message(MessageType type);
Bytes hello();
/// Asks for packet-ins, whole ones: a management connection gets none otherwise.
Bytes set_config();
Bytes set_controller_id(std::uint16_t id);
/// Adds the flow, or changes it and keeps its counters.
Bytes put_flow(const Flow& flow);
Bytes remove_flow(const Flow& flow);
/// Removes all flows with this cookie.
Bytes remove_flows(std::uint64_t cookie, std::uint64_t mask);
/// One message, or several where the buckets do not fit into one. Groups are never read back: a
/// description of more than 64 KiB breaks the stream (seen with Open vSwitch 3.1).
std::vector<Bytes> group_messages(const Change::GroupChange& change);
Bytes remove_group(std::uint32_t id);
/// Adds or changes a meter that lets `rate` packets a second pass.
Bytes meter(std::uint32_t id, std::uint32_t rate, std::uint32_t burst, bool exists);
Bytes remove_meter(std::uint32_t id);
Bytes bundle_control(std::uint32_t bundle, BundleStep step);
Bytes bundle_add(std::uint32_t bundle, const Bytes& message);
/// Sends `frame` as if it had come from `in_port`.
Bytes packet_out(std::uint32_t in_port, const Actions& actions,
                 std::span<const std::uint8_t> frame);
Bytes flows_request(std::uint8_t table, std::uint64_t cookie, std::uint64_t cookie_mask);
Bytes multipart_request(Multipart type, std::uint32_t first_word);
/// Forgets all connections of a zone.
Bytes flush_zone(std::uint16_t zone);

struct Tuple {
    util::IpAddress source;
    util::IpAddress destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
};
/// Forgets the one connection that was opened with this tuple.
Bytes flush_connection(std::uint16_t zone, std::uint8_t protocol, const Tuple& opened);

struct PacketIn {
    std::uint8_t table = 0;
    std::uint64_t cookie = 0;
    Match fields;  // in_port, registers, connection
    std::span<const std::uint8_t> frame;
};
std::optional<PacketIn> read_packet_in(std::span<const std::uint8_t> message);

struct FoundPort {
    std::uint32_t number = 0;
    Mac mac{};
    std::string name;
};
bool read_flows(std::span<const std::uint8_t> reply, std::vector<FoundFlow>& flows);
bool read_ports(std::span<const std::uint8_t> reply, std::vector<FoundPort>& ports);
/// Packets that did not pass, by meter.
bool read_meter_drops(std::span<const std::uint8_t> reply,
                      std::map<std::uint32_t, std::uint64_t>& drops);
/// "flow_mod failed: bad match, code 8": what an error message says.
std::string error_text(std::span<const std::uint8_t> message);

}  // namespace directfaas::backend::ovs
