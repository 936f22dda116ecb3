// SPDX-License-Identifier: Apache-2.0
// The only translator between the model's values and the bytes of the maps. Pure: no system call,
// no memory of its own. Ports and addresses change byte order here and nowhere else.
#pragma once

#include <span>
#include <string>

#include "agent/backend/backend.h"
#include "lib/model/rules.h"
#include "lib/util/result.h"
#include "maps/config.h"
#include "maps/connection.h"
#include "maps/events.h"
#include "maps/identity.h"
#include "maps/route.h"

namespace directfaas::backend::ebpf {

df_addr encode(const util::IpAddress& address);
util::IpAddress decode(const df_addr& address);

df_vip_key encode(const model::RouteKey& key);
model::RouteKey decode(const df_vip_key& key);

/// Fails on a name that does not fit or an identity that stands for nobody.
util::Result<df_fn> encode(const model::Identity& identity, const model::IdentityRule& rule,
                           std::uint32_t generation);
/// Nothing for a free entry. Ports are not part of it.
std::optional<model::Identity> decode_identity(const df_fn& entry);
model::IdentityRule decode_rule(const df_fn& entry);

df_fn_port_key encode_port(std::uint32_t identity, const model::PortProtocol& port);
model::PortProtocol decode(const df_fn_port_key& key);

/// Fails if the pod has more addresses than an entry holds.
util::Result<df_veth> encode(const model::AttachRule& rule, std::uint32_t identity,
                             std::uint32_t generation);
/// Leaves identity and ifindex to the caller.
model::AttachRule decode(const df_veth& entry);

util::Result<df_pod_name> encode_pod(const model::ObjectName& pod, std::uint32_t flags);
model::ObjectName decode(const df_pod_name& entry);

std::uint16_t encode(model::EndpointState state);
std::uint32_t encode(model::WhenEmpty when_empty);  ///< enum df_vip_flags
model::WhenEmpty decode_when_empty(std::uint32_t flags);
std::uint16_t encode_port(std::uint16_t port);  ///< host to network order
model::RouteEndpoint decode(const df_ep& entry);

/// Keeps the marks of `before`. Fails on more pod networks than the table holds.
util::Result<df_config> encode(const Settings& settings, const df_config& before);

/// Identities are filled in by the caller.
FlowEvent decode(const df_event& event);
/// Nothing if the record is cut short. Identities are filled in by the caller.
std::optional<HeldPacket> decode_held(std::span<const std::uint8_t> record);

}  // namespace directfaas::backend::ebpf
