// SPDX-License-Identifier: Apache-2.0
// The MAC address of a pod: that of the other end of its veth pair.
#pragma once

#include "agent/backend/ovs/actions.h"
#include "lib/util/result.h"

namespace directfaas::backend::ovs {

/// Asks the kernel about the peer of the veth `ifindex`, in whatever network namespace it is.
/// Needs CAP_NET_ADMIN there.
util::Result<Mac> peer_mac(unsigned ifindex);

}  // namespace directfaas::backend::ovs
