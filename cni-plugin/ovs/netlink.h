// SPDX-License-Identifier: Apache-2.0
// The few requests of rtnetlink that making a pod's interface takes, in the thread's namespace.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>

#include "lib/util/address.h"

namespace directfaas::cni::ovs {

using Done = std::expected<void, std::string>;  // an error is one sentence

struct VethSpec {
    std::string host;
    std::string pod;
    int pod_netns = -1;
    unsigned mtu = 0;  // 0: the kernel's default
    std::array<std::uint8_t, 6> host_mac{};
};
Done make_veth(const VethSpec& veth);
/// Nothing happens if there is none.
Done delete_link(const std::string& name);
enum class Arp : std::uint8_t { kOn, kOff };
Done set_up(const std::string& name, Arp arp);
/// An address that is there already is fine. IPv6 without duplicate address detection: the pod uses
/// it at once.
Done add_address(const std::string& name, const util::IpAddress& address, unsigned prefix);
/// Through `gateway`.
Done add_route(const std::string& name, const util::IpAddress& to, unsigned prefix,
               const util::IpAddress& gateway);
/// "aa:bb:..." or empty.
std::string mac_of(const std::string& name);

}  // namespace directfaas::cni::ovs
