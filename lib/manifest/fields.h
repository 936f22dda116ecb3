// SPDX-License-Identifier: Apache-2.0
// Typed access to the members of a map, with one wording for each kind of mistake. Functions that
// return nothing for a wrong value have reported it; absent optional members are no mistake.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lib/manifest/report.h"
#include "lib/manifest/scalar.h"
#include "lib/manifest/value.h"
#include "lib/model/objects.h"

namespace directfaas::manifest {

/// Reports "<path> must be <wanted>, found ...", with the advice that fits.
void wrong_type(const Node& node, std::string_view wanted, Report& report);
void missing(const Node& map, std::string_view key, std::string advice, Report& report);
/// Reports members of `map` that are not in `known`, with the nearest known name.
void refuse_unknown(const Node& map, std::span<const std::string_view> known, Report& report);

std::optional<std::string_view> as_text(const Node& node, Report& report);
/// From 1 to `max`, below 10^9; `wanted` says so to the user.
std::optional<std::uint32_t> as_number(const Node& node, std::uint32_t max, std::string_view wanted,
                                       Report& report);
std::optional<std::uint16_t> as_port(const Node& node, Report& report);
std::optional<util::IpAddress> as_address(const Node& node, Report& report);
/// Names of functions, entries, namespaces: RFC 1123 labels.
std::optional<std::string_view> as_dns_label(const Node& node, Report& report);
std::optional<std::string_view> as_dns_subdomain(const Node& node, Report& report);

const Node* map_member(const Node& map, std::string_view key, Report& report);
/// At most `limit` items, or it is reported and nothing is returned.
const Node* list_member(const Node& map, std::string_view key, std::size_t limit, Report& report);
std::optional<std::string_view> text_member(const Node& map, std::string_view key, Report& report);
std::optional<bool> bool_member(const Node& map, std::string_view key, Report& report);
std::optional<std::uint16_t> port_member(const Node& map, std::string_view key, Report& report);
/// A label that must be there.
std::string required_label(const Node& map, std::string_view key, Report& report);
/// A map of texts; keys and values in the form of labels.
model::Labels labels_member(const Node& map, std::string_view key, Report& report);

template <typename Value>
using Choice = std::pair<std::string_view, Value>;

void wrong_choice(const Node& node, std::span<const std::string_view> names, Report& report);

/// A text out of a fixed set; a wrong one is reported with the allowed ones.
template <typename Value, std::size_t kSize>
std::optional<Value> as_choice(const Node& node, const std::array<Choice<Value>, kSize>& choices,
                               Report& report) {
    const auto text = as_text(node, report);
    if (!text) {
        return std::nullopt;
    }
    std::array<std::string_view, kSize> names;
    for (std::size_t i = 0; i < kSize; ++i) {
        if (choices[i].first == *text) {
            return choices[i].second;
        }
        names[i] = choices[i].first;
    }
    wrong_choice(node, names, report);
    return std::nullopt;
}

}  // namespace directfaas::manifest
