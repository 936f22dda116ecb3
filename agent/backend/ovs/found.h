// SPDX-License-Identifier: Apache-2.0
// A packet that the switch handed over, in the words of the rules.
#pragma once

#include <optional>

#include "agent/backend/ovs/frame.h"
#include "agent/backend/ovs/messages.h"
#include "agent/backend/ovs/state.h"

namespace directfaas::backend::ovs {

/// How the caller opened the connection that the packet belongs to; nothing if it belongs to none.
std::optional<FlowTuple> opened_as(const Match& fields, const FlowTuple& packet);
/// Outside if nobody has the number.
model::Identity name_of(const State& state, std::uint32_t number);
/// Of a pod's port or address; 0 if it is no pod's of this node.
unsigned ifindex_of_port(const State& state, std::uint32_t port);
unsigned ifindex_of_address(const State& state, const util::IpAddress& address);
/// An answer whose source has become the vIP, with the instance's own address and port.
FlowTuple as_instance_sent(const State& state, FlowTuple answer, std::uint32_t endpoint);

/// One packet, and what the pipeline knew of it.
struct Found {
    PacketIn in;
    Packet packet;
    std::optional<FlowTuple> opened;  // of a known connection
    const State& state;

    [[nodiscard]] std::uint32_t value(Field field) const {
        return static_cast<std::uint32_t>(in.fields.value(field).value_or(0));
    }
    [[nodiscard]] std::uint32_t port() const { return value(Field::kInPort); }
    [[nodiscard]] bool known() const { return value(Field::kCtMark) != 0 && opened; }
    [[nodiscard]] bool reply() const { return (value(Field::kCtState) & kReply) != 0; }
    [[nodiscard]] df_reason reason() const { return static_cast<df_reason>(value(field::kReason)); }
    /// As the sender sees it: what it sent may have been translated already.
    [[nodiscard]] FlowTuple as_sent() const {
        if (!known()) {
            return packet.flow;
        }
        return reply() ? as_instance_sent(state, packet.flow, endpoint()) : *opened;
    }
    [[nodiscard]] std::uint32_t endpoint() const {
        Reader label(in.fields.value_bytes(Field::kCtLabel));
        label.skip(12);
        return label.u32();
    }
};

}  // namespace directfaas::backend::ovs
