// SPDX-License-Identifier: Apache-2.0
// A pod's interface: a veth whose host's end is a port of the bridge.
#pragma once

#include <string>
#include <vector>

#include "cni-plugin/call.h"
#include "cni-plugin/ovs/config.h"
#include "cni-plugin/ovs/netlink.h"

namespace directfaas::cni::ovs {

struct PodAddress {
    util::IpAddress address;
    unsigned prefix = 0;
    std::optional<util::IpAddress> gateway;
};
struct PodRoute {
    util::IpAddress to;
    unsigned prefix = 0;
    util::IpAddress gateway;
};
/// Of an IPAM plugin's result.
struct PodNetwork {
    std::vector<PodAddress> addresses;
    std::vector<PodRoute> routes;  // through the gateways where the result names none

    static std::expected<PodNetwork, std::string> of(const Json& result);
};

struct PodLink {
    std::string host_name;
    std::string host_mac;
    std::string pod_mac;
};
/// Makes the veth, sets it up at both ends, gives addresses and routes, and the gateways to the
/// bridge. `checksums`: whether the pod must complete them itself. What is half made stays.
std::expected<PodLink, std::string> make_pod_link(const Call& call, const NetworkConfig& config,
                                                  const PodNetwork& network, bool checksums);

}  // namespace directfaas::cni::ovs
