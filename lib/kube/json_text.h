// SPDX-License-Identifier: Apache-2.0
// Looks at JSON text without building a tree: an event carries an object of which the watch needs
// four members, and what decodes it wants the text. Values are views into the text.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace directfaas::kube::json {

/// Gets a member's name as written (escapes and all) and its value. False: enough.
using OnMember = std::function<bool(std::string_view name, std::string_view value)>;
using OnElement = std::function<bool(std::string_view value)>;

/// Visits the members of an object, or elements of an array, until enough is seen. False if the
/// text up to there is not one. What a value holds inside is only skipped, not checked.
bool members(std::string_view object, const OnMember& visit);
bool elements(std::string_view array, const OnElement& visit);

/// A member's value; nothing if there is none, or if it is null.
std::optional<std::string_view> member(std::string_view object, std::string_view name);
/// A string's content; empty if the value is none.
std::string text(std::string_view value);
/// member() and text(); empty if there is none.
std::string text_member(std::string_view object, std::string_view name);
std::optional<int> number_member(std::string_view object, std::string_view name);

/// `text` as a JSON string, quotes included.
std::string quoted(std::string_view text);

}  // namespace directfaas::kube::json
