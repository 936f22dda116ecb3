// SPDX-License-Identifier: Apache-2.0
// What the network's configuration says to directfaas-ovs.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "cni-plugin/call.h"

namespace directfaas::cni::ovs {

struct NetworkConfig {
    std::string bridge = "br-directfaas";
    std::string run_dir = "/run/openvswitch";
    unsigned mtu = 0;  // 0: the kernel's default
    std::string ipam;  // type of the plugin that gives addresses
    Json whole;        // as it came

    static std::expected<NetworkConfig, CniError> parse(std::string_view text);
    [[nodiscard]] std::string database() const { return run_dir + "/db.sock"; }
};

/// The host's end of a pod's veth: the same for the same container and interface.
std::string host_interface_name(const std::string& container, const std::string& interface_name);

}  // namespace directfaas::cni::ovs
