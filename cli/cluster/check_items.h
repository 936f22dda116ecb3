// SPDX-License-Identifier: Apache-2.0
// What `kubectl directfaas check` says of a cluster, an item each, as an agent's `check` has them.
#pragma once

#include <string>
#include <vector>

#include "cli/cluster/kubectl.h"

namespace directfaas::cli {

/// `advice` is left out of what is fine. What is not required is told and does not fail.
Json check_item(const char* name, bool ok, bool required, const std::string& detail,
                const std::string& advice);
/// For what could not be asked: no verdict, but said.
Json unknown_item(const char* name, const Failure& failure);

/// The nodes' container runtimes, by the answer to `kubectl get nodes -o json`.
Json runtimes_item(const Json& nodes);

/// Whether the main CNI plugin and what serves Services leave the switch its place: a plugin that
/// passes packets by the veth, or a load balancer in connect(), would do the switch's work without
/// it. Asks for DaemonSets and the configuration of those that are known.
std::vector<Json> network_items(const ClusterOptions& options);

}  // namespace directfaas::cli
