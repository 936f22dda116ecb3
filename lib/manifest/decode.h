// SPDX-License-Identifier: Apache-2.0
// The one decoder of manifests, shared by the agent and `dfctl validate`: text in, model objects
// or problems with file and line out. The schema is docs/functionchain.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/model/objects.h"

namespace directfaas::manifest {

/// What a text holds. If any problem is an error, `objects` is empty: a file is taken whole or
/// not at all. Warnings stand beside usable objects.
struct Decoded {
    std::vector<model::Object> objects;
    std::vector<model::Problem> problems;

    [[nodiscard]] bool ok() const;
};

/// Decodes YAML or JSON with any number of documents, lists (kind List, FunctionChainList, ...)
/// included. `file` only names the text in messages. Never throws; bounded in depth and problems.
Decoded decode(const std::string& file, std::string_view text);

}  // namespace directfaas::manifest
