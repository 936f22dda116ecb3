// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace directfaas::manifest {
namespace {

constexpr std::size_t kMaxShown = 80;

constexpr std::array<std::string_view, 9> kTrueWords{"true", "True", "TRUE", "yes", "Yes",
                                                     "YES",  "on",   "On",   "ON"};
constexpr std::array<std::string_view, 9> kFalseWords{"false", "False", "FALSE", "no", "No",
                                                      "NO",    "off",   "Off",   "OFF"};

bool contains(std::span<const std::string_view> words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

bool all_of(std::string_view text, std::string_view allowed) {
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    if (text.starts_with("0x") || text.starts_with("0X")) {
        return text.size() > 2 && all_of(text.substr(2), "0123456789abcdefABCDEF_");
    }
    if (text.starts_with("0o") || text.starts_with("0b")) {
        return text.size() > 2 && all_of(text.substr(2), "01234567_");
    }
    if (text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
        text == ".NAN") {
        return true;
    }
    const auto exponent = text.find_first_of("eE");
    if (exponent != std::string_view::npos) {
        auto digits = text.substr(exponent + 1);
        if (digits.starts_with('-') || digits.starts_with('+')) {
            digits.remove_prefix(1);
        }
        if (digits.empty() || !all_of(digits, "0123456789")) {
            return false;
        }
        text = text.substr(0, exponent);
    }
    return text.find_first_of("0123456789") != std::string_view::npos && text.front() != '_' &&
           all_of(text, "0123456789._") && std::ranges::count(text, '.') <= 1;
}

}  // namespace

ScalarType scalar_type(const Node& scalar) {
    if (scalar.quoted) {
        return ScalarType::kText;
    }
    if (contains(kTrueWords, scalar.text) || contains(kFalseWords, scalar.text)) {
        return ScalarType::kBool;
    }
    return is_number(scalar.text) ? ScalarType::kNumber : ScalarType::kText;
}

std::optional<bool> as_bool(const Node& node) {
    if (node.kind != NodeKind::kScalar || scalar_type(node) != ScalarType::kBool) {
        return std::nullopt;
    }
    return contains(kTrueWords, node.text);
}

std::string shortened(std::string_view text) {
    if (text.size() <= kMaxShown) {
        return std::string(text);
    }
    auto end = kMaxShown;
    while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;  // not in the middle of a UTF-8 character
    }
    return fmt::format("{}...", text.substr(0, end));
}

std::string shown(std::string_view text) { return fmt::format("\"{}\"", shortened(text)); }

std::string found_text(const Node& node) {
    switch (node.kind) {
        case NodeKind::kNull:
            return "nothing";
        case NodeKind::kSequence:
            return "a list";
        case NodeKind::kMap:
            return "a map";
        case NodeKind::kScalar:
            break;
    }
    switch (scalar_type(node)) {
        case ScalarType::kBool:
            return fmt::format("the boolean {}", node.text);
        case ScalarType::kNumber:
            return fmt::format("the number {}", shortened(node.text));
        case ScalarType::kText:
            break;
    }
    return fmt::format("the text {}", shown(node.text));
}

}  // namespace directfaas::manifest
