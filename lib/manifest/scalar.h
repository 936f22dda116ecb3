// SPDX-License-Identifier: Apache-2.0
// What a scalar means. Kubernetes' tools read YAML 1.1: an unquoted `on` is a boolean and `1.10` a
// number there, so they must not pass for text here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/manifest/value.h"

namespace directfaas::manifest {

enum class ScalarType : std::uint8_t { kText, kBool, kNumber };

/// `scalar` is one.
ScalarType scalar_type(const Node& scalar);
/// The meaning of true, yes, on and their opposites without quotes; nothing for other nodes.
std::optional<bool> as_bool(const Node& node);

/// A user's text in a message, cut if it is long; shown() puts it in quotes.
std::string shortened(std::string_view text);
std::string shown(std::string_view text);
/// "the number 5", "a list", ...
std::string found_text(const Node& node);

}  // namespace directfaas::manifest
