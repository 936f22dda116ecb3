// SPDX-License-Identifier: Apache-2.0
// Decodes a text as the file "f.yaml" and gives what a test compares.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/manifest/decode.h"

namespace directfaas::manifest {

/// The problems as a user reads them.
std::vector<std::string> problems_of(std::string_view text);
/// The objects of a text that must have no problem at all.
std::vector<model::Object> objects_of(std::string_view text);

/// A FunctionChain shop/bookinfo around one statement of its spec; the statement begins in line 6.
std::string chain_with_spec(std::string_view spec);
/// How a user reads an error in a line of that chain.
std::string chain_error(int line, std::string_view text);

/// The only object of a text, which must be of this kind.
template <typename Kind>
Kind only(std::string_view text) {
    auto objects = objects_of(text);
    return objects.size() == 1 ? std::get<Kind>(std::move(objects[0])) : Kind{};
}

}  // namespace directfaas::manifest
