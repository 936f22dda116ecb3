// SPDX-License-Identifier: Apache-2.0
// The commands of the CNI specification, for the plugin that puts a pod on the bridge.
#pragma once

#include <string_view>

#include "cni-plugin/dispatch.h"

namespace directfaas::cni::ovs {

/// All of one invocation. Never throws.
Outcome run(const Call& call, std::string_view input) noexcept;

}  // namespace directfaas::cni::ovs
