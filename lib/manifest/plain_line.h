// SPDX-License-Identifier: Apache-2.0
// The parts of one line of plain YAML: keys, quoted and unquoted texts, {...} and [...]. For
// read_plain_yaml() alone; whatever these functions do not understand they throw as Unusual.
#pragma once

#include <optional>
#include <string_view>

#include "lib/manifest/value.h"

namespace directfaas::manifest::plain {

/// Thrown at what is not plain YAML, right or wrong: yaml-cpp decides.
struct Unusual {};

void skip_spaces(std::string_view& text);
void trim_right(std::string_view& text);
/// Printable ASCII.
bool is_printable(std::string_view text);
/// True if nothing but a comment is left of a line.
bool only_comment(std::string_view rest);

/// Eats a quoted text without escapes and returns its content.
std::string_view eat_quoted(std::string_view& rest);
/// Eats `key:` and the space behind it; nothing if the text, which is not empty, does not begin
/// with a key.
std::optional<std::string_view> eat_key(std::string_view& rest);
/// Hands an unquoted text to the builder, as a null if it means that.
void unquoted(TreeBuilder& builder, int line, std::string_view text);
/// Eats a collection in brackets, which must end in this line.
void eat_flow(TreeBuilder& builder, int line, std::string_view& rest);

}  // namespace directfaas::manifest::plain
