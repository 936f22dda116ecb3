// SPDX-License-Identifier: Apache-2.0
// What `dfctl explain` shows of the bridge.
#pragma once

#include <string>
#include <vector>

#include "agent/backend/ovs/bridge.h"
#include "agent/backend/ovs/state.h"

namespace directfaas::backend::ovs {

/// The flows behind an edge and its callee's routes, in words that `ovs-ofctl dump-flows` finds.
std::vector<std::string> explain_installed(Bridge& bridge, const State& state,
                                           const model::AllowKey& edge,
                                           const std::vector<model::RouteKey>& routes);

}  // namespace directfaas::backend::ovs
