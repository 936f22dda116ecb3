// SPDX-License-Identifier: Apache-2.0
// The commands of the CNI specification, for a plugin that adds no interface of its own.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cni-plugin/call.h"

namespace directfaas::cni {

/// What the process prints and ends with.
struct Outcome {
    std::string result;  // for standard output: a result, an error object, or nothing
    std::string notes;   // for standard error
    int exit_status = 0;
};

/// All of one invocation. Never throws.
Outcome run(const Call& call, std::string_view input) noexcept;

}  // namespace directfaas::cni
