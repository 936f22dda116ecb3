// SPDX-License-Identifier: Apache-2.0
// Numbers in texts: a whole text is one number, or none.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace directfaas::util {

/// Digits and nothing else (a minus for signed types), within the type's range.
template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
    Number value = 0;
    const auto* begin = text.begin();
    const auto* end = text.end();
    const auto [stop, error] = std::from_chars(begin, end, value, base);
    return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace directfaas::util
