// SPDX-License-Identifier: Apache-2.0
// Takes everything of ours out of a bridge.
#pragma once

#include "agent/backend/ovs/bridge.h"

namespace directfaas::backend::ovs {

/// Flows, groups, meters, and the connections in our zones.
util::Result<void> remove_everything(Bridge& bridge);

}  // namespace directfaas::backend::ovs
