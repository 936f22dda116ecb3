// SPDX-License-Identifier: Apache-2.0
// Netlink messages → values. Reads bytes only; no socket.
#pragma once

#include <netlink/netlink.h>

#include <optional>

#include "agent/links/link.h"
#include "lib/util/address.h"

namespace directfaas::links {

/// An RTM_NEWLINK or RTM_DELLINK about an interface itself. Nothing for other messages, and for
/// those of the bridge family: they speak of a bridge's ports, not of interfaces.
std::optional<Link> read_link(nlmsghdr* message);

/// The destination of an RTM_NEWROUTE or RTM_DELROUTE; nothing for cached routes.
std::optional<util::IpPrefix> read_route_destination(nlmsghdr* message);

/// An answer to RTM_GETROUTE.
std::optional<Route> read_route(nlmsghdr* message);

}  // namespace directfaas::links
