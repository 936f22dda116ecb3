// SPDX-License-Identifier: Apache-2.0
// The commands of the CNI specification, for a plugin that adds no interface of its own.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cni-plugin/dispatch.h"

namespace directfaas::cni {

/// All of one invocation. Never throws.
Outcome run(const Call& call, std::string_view input) noexcept;

}  // namespace directfaas::cni
