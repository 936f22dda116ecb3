// SPDX-License-Identifier: Apache-2.0
// From stack files to FunctionChains that the agent accepts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/fields.h"
#include "cli/import/stack.h"

namespace directfaas::cli {

struct ImportedChain {
    std::string name;
    std::string name_space;
    std::vector<const StackFunction*> functions;
    std::vector<std::pair<std::string, std::string>> edges;  // caller, callee
};

/// One chain for each namespace, more where it has more functions or edges than a chain may have:
/// NAME, NAME-2 ... Calls become edges; those of the environment only if `from_environment`. What
/// is left out is added to `stack.problems`. The result points into `stack.functions`.
std::vector<ImportedChain> chains_of(Stack& stack, const std::string& name, bool from_environment);

/// The manifests, one document each.
std::string chains_as_yaml(const std::vector<ImportedChain>& chains);
/// The manifest, or a List of them.
Json chains_as_json(const std::vector<ImportedChain>& chains);

}  // namespace directfaas::cli
