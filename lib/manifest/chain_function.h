// SPDX-License-Identifier: Apache-2.0
// One entry of spec.functions of a FunctionChain, and what both halves of that decoder need.
#pragma once

#include <string_view>

#include "lib/manifest/fields.h"

namespace directfaas::manifest {

/// Every mistake has been reported when this returns.
model::ChainFunction decode_chain_function(const Node& item, Report& report);

/// Members of such an entry, for messages about fields in the wrong place.
std::span<const std::string_view> chain_function_fields();

/// Reports a member whose meaning is designed but not built: it is never ignored, because what it
/// was meant to forbid or allow would silently not happen.
void refuse_to_come(const Node& map, std::string_view key, std::string_view advice, Report& report);

/// True for a map; anything else is reported.
bool expect_map(const Node& node, Report& report);

}  // namespace directfaas::manifest
