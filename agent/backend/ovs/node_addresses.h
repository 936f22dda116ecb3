// SPDX-License-Identifier: Apache-2.0
// The node's own addresses: what comes from there is its own traffic.
#pragma once

#include <vector>

#include "lib/util/address.h"

namespace directfaas::backend::ovs {

/// Of all interfaces of the caller's network namespace, sorted, each once; empty if the kernel does
/// not tell.
std::vector<util::IpAddress> node_addresses();

}  // namespace directfaas::backend::ovs
