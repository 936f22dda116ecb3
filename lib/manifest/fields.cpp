// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/manifest/names.h"

namespace directfaas::manifest {
namespace {

std::string type_advice(const Node& node, std::string_view wanted) {
    if (wanted == "text" && node.kind == NodeKind::kScalar) {
        return fmt::format("Put it in quotes: {}", shown(node.text));
    }
    if (wanted == "a list") {
        return "Begin each entry with \"- \"";
    }
    if (wanted == "a map") {
        return "Write \"key: value\" lines below it";
    }
    return fmt::format("Write {}", wanted);
}

}  // namespace

void wrong_type(const Node& node, std::string_view wanted, Report& report) {
    report.error(
        node.where(),
        fmt::format("{} must be {}, found {}", report.path(node), wanted, found_text(node)),
        type_advice(node, wanted));
}

void missing(const Node& map, std::string_view key, std::string advice, Report& report) {
    report.error(map.where(), fmt::format("{} is missing", report.path(map, key)),
                 std::move(advice));
}

void refuse_unknown(const Node& map, std::span<const std::string_view> known, Report& report) {
    for (const Node* member = map.first; member != nullptr; member = member->next) {
        if (std::ranges::find(known, member->key) != known.end()) {
            continue;
        }
        const auto meant = nearest(member->key, known);
        report.error(member->where(), fmt::format("{} is not a known field", report.path(*member)),
                     meant ? fmt::format("Did you mean {}?", *meant)
                           : fmt::format("Known here: {}", fmt::join(known, ", ")));
    }
}

std::optional<std::string_view> as_text(const Node& node, Report& report) {
    if (node.kind != NodeKind::kScalar || scalar_type(node) != ScalarType::kText) {
        wrong_type(node, "text", report);
        return std::nullopt;
    }
    return node.text;
}

std::optional<std::uint32_t> as_number(const Node& node, std::uint32_t max, std::string_view wanted,
                                       Report& report) {
    constexpr std::size_t kMaxDigits = 9;
    const auto text = node.text;
    const bool number = node.kind == NodeKind::kScalar && !node.quoted && !text.empty() &&
                        text.size() <= kMaxDigits && text.front() != '0' &&
                        text.find_first_not_of("0123456789") == std::string_view::npos;
    std::uint32_t value = 0;
    for (const char digit : number ? text : std::string_view{}) {
        value = value * 10 + static_cast<std::uint32_t>(digit - '0');
    }
    if (value == 0 || value > max) {
        wrong_type(node, wanted, report);
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint16_t> as_port(const Node& node, Report& report) {
    const auto port = as_number(node, UINT16_MAX, "a port number from 1 to 65535", report);
    return port ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

std::optional<util::IpAddress> as_address(const Node& node, Report& report) {
    const auto text = as_text(node, report);
    if (!text) {
        return std::nullopt;
    }
    const auto address = util::IpAddress::parse(*text);
    if (!address || address->is_unspecified()) {
        report.error(node.where(),
                     fmt::format("{} is {}, which is not an IP address that a packet can go to",
                                 report.path(node), shown(*text)),
                     "Write an IPv4 or IPv6 address without port, zone or prefix length");
        return std::nullopt;
    }
    return address;
}

std::optional<std::string_view> as_dns_label(const Node& node, Report& report) {
    const auto text = as_text(node, report);
    if (text && !is_dns_label(*text)) {
        report.error(
            node.where(),
            fmt::format("{} is {}, which is not a valid name", report.path(node), shown(*text)),
            "Use at most 63 of a-z, 0-9 and \"-\", with a letter or digit at both ends");
        return std::nullopt;
    }
    return text;
}

std::optional<std::string_view> as_dns_subdomain(const Node& node, Report& report) {
    const auto text = as_text(node, report);
    if (text && !is_dns_subdomain(*text)) {
        report.error(
            node.where(),
            fmt::format("{} is {}, which is not a valid name", report.path(node), shown(*text)),
            "Use at most 253 of a-z, 0-9, \"-\" and \".\", with a letter or digit at both "
            "ends of each part");
        return std::nullopt;
    }
    return text;
}

const Node* map_member(const Node& map, std::string_view key, Report& report) {
    const Node* node = map.find(key);
    if (node != nullptr && node->kind != NodeKind::kMap) {
        wrong_type(*node, "a map", report);
        return nullptr;
    }
    return node;
}

const Node* list_member(const Node& map, std::string_view key, std::size_t limit, Report& report) {
    const Node* node = map.find(key);
    if (node == nullptr) {
        return nullptr;
    }
    if (node->kind != NodeKind::kSequence) {
        wrong_type(*node, "a list", report);
        return nullptr;
    }
    if (node->size > limit) {
        report.error(
            node->where(),
            fmt::format("{} has {} entries, more than {}", report.path(*node), node->size, limit),
            "Split the object in two");
        return nullptr;
    }
    return node;
}

std::optional<std::string_view> text_member(const Node& map, std::string_view key, Report& report) {
    const Node* node = map.find(key);
    return node == nullptr ? std::nullopt : as_text(*node, report);
}

std::optional<bool> bool_member(const Node& map, std::string_view key, Report& report) {
    const Node* node = map.find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto value = as_bool(*node);
    if (!value) {
        wrong_type(*node, "true or false", report);
    }
    return value;
}

std::optional<std::uint16_t> port_member(const Node& map, std::string_view key, Report& report) {
    const Node* node = map.find(key);
    if (node == nullptr) {
        missing(map, key, "Add the port number", report);
        return std::nullopt;
    }
    return as_port(*node, report);
}

std::string required_label(const Node& map, std::string_view key, Report& report) {
    const Node* node = map.find(key);
    if (node == nullptr) {
        missing(map, key, fmt::format("Add a line \"{}: ...\"", key), report);
        return {};
    }
    return std::string(as_dns_label(*node, report).value_or(""));
}

model::Labels labels_member(const Node& map, std::string_view key, Report& report) {
    model::Labels labels;
    const Node* node = map_member(map, key, report);
    if (node == nullptr) {
        return labels;
    }
    for (const Node* label = node->first; label != nullptr; label = label->next) {
        if (label->kind == NodeKind::kNull) {
            labels.emplace(label->key, "");
            continue;
        }
        const auto value = as_text(*label, report);
        if (!value) {
            continue;
        }
        if (!is_label_key(label->key) || !is_label_value(*value)) {
            report.error(label->where(),
                         fmt::format("{} is not a valid label", report.path(*label)),
                         "Use at most 63 letters, digits, \"-\", \"_\" and \".\" in name and "
                         "value, with a letter or digit at both ends");
            continue;
        }
        labels.emplace(label->key, *value);
    }
    return labels;
}

void wrong_choice(const Node& node, std::span<const std::string_view> names, Report& report) {
    const auto meant = nearest(node.text, names);
    report.error(node.where(),
                 fmt::format("{} is {}, allowed: {}", report.path(node), shown(node.text),
                             fmt::join(names, ", ")),
                 meant ? fmt::format("Did you mean {}?", *meant) : "Write one of these");
}

}  // namespace directfaas::manifest
