// SPDX-License-Identifier: Apache-2.0
// The process of a CNI plugin: reads all, answers with one write. Nothing else may ever reach
// standard output.
#pragma once

#include <functional>
#include <string_view>

#include "cni-plugin/dispatch.h"

namespace directfaas::cni {

/// Returns what main() has to. `plugin` is its name in notes on standard error.
int run_process(const char* plugin,
                const std::function<Outcome(const Call&, std::string_view input)>& run);

}  // namespace directfaas::cni
