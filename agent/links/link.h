// SPDX-License-Identifier: Apache-2.0
// Interfaces and routes as plain values: what the kernel says about them, without netlink.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace directfaas::links {

/// A network interface of this namespace.
struct Link {
    unsigned ifindex = 0;
    std::string name;
    std::string kind;      // "veth", "bridge", ...; empty for hardware and loopback
    bool carrier = false;  // of a veth: its other end is up
    unsigned peer = 0;     // ifindex of the other end, in that end's namespace
    int netnsid = -1;      // of the other end's namespace; -1: this one

    auto operator<=>(const Link&) const = default;
};

/// Where the kernel would send a packet to an address.
struct Route {
    enum class Kind : std::uint8_t { kUnicast, kLocal, kOther };
    Kind kind = Kind::kOther;
    unsigned ifindex = 0;  // 0: several ways, or none
    bool gateway = false;  // through a next hop
    int prefix_bits = 0;   // of the route that matched; 0: a default route

    auto operator<=>(const Route&) const = default;
};

}  // namespace directfaas::links
