// SPDX-License-Identifier: Apache-2.0
// What the kernel says about a pod's veth pair. Both ends: the host's, and the one in the pod.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "lib/util/result.h"

namespace directfaas::backend {

using Mac = std::array<std::uint8_t, 6>;

struct VethFacts {
    unsigned mtu = 0;          // of the host's end
    std::string qdisc;         // root queueing discipline of the host's end, "noqueue" by default
    Mac pod_mac{};             // of the pod's end
    bool pod_has_xdp = false;  // an XDP program on the pod's end
};

/// Asks about the veth `ifindex` and its other end, in whatever network namespace that is. An error
/// when it is gone, or no veth. Needs CAP_NET_ADMIN in that namespace.
util::Result<VethFacts> veth_facts(unsigned ifindex);

}  // namespace directfaas::backend
