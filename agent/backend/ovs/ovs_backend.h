// SPDX-License-Identifier: Apache-2.0
// The Open vSwitch backend: rules become flows, groups and meters of one bridge. They outlive the
// process; only remove() and remove_instance() take them out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "lib/util/result.h"

namespace directfaas::backend::ovs {

struct Options {
    std::string instance;
    std::string bridge = "br-directfaas";
    std::string run_dir = "/run/openvswitch";  ///< sockets and pid file of ovs-vswitchd
    std::uint32_t max_connections = 262144;    ///< of one pod
};

/// Takes over the flows an earlier process left in the bridge. Fails if the bridge is not there or
/// serves another instance.
util::Result<std::unique_ptr<Backend>> create(const Options& options);

/// What the bridge and its ovs-vswitchd can do, for `dfctl check`. Changes nothing.
std::vector<Capability> probe_node(const Options& options);

/// Removes all flows, groups and meters of the instance; not an error if there is nothing.
util::Result<void> remove_instance(const Options& options);

}  // namespace directfaas::backend::ovs
