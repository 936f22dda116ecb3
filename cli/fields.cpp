// SPDX-License-Identifier: Apache-2.0
#include "cli/fields.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/text.h"

namespace directfaas::cli {
namespace {

const Json* find(const Json& object, const char* key) {
    if (!object.is_object()) {
        return nullptr;
    }
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string text_at(const Json& object, const char* key) {
    const Json* field = find(object, key);
    if (field == nullptr || field->is_structured() || field->is_null()) {
        return {};
    }
    return field->is_string() ? printable(field->get_ref<const std::string&>()) : field->dump();
}

std::uint64_t count_at(const Json& object, const char* key) {
    const Json* field = find(object, key);
    if (field == nullptr || !field->is_number()) {
        return 0;
    }
    if (field->is_number_float()) {
        const auto value = field->get<double>();
        return value >= 0 && value < 1.8e19 ? static_cast<std::uint64_t>(value) : 0;
    }
    return field->is_number_unsigned() || field->get<std::int64_t>() >= 0
               ? field->get<std::uint64_t>()
               : 0;
}

std::optional<double> number_at(const Json& object, const char* key) {
    const Json* field = find(object, key);
    if (field == nullptr || !field->is_number()) {
        return std::nullopt;
    }
    const auto value = field->get<double>();
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool flag_at(const Json& object, const char* key) {
    const Json* field = find(object, key);
    return field != nullptr && field->is_boolean() && field->get<bool>();
}

const Json& list_at(const Json& object, const char* key) {
    static const Json kEmpty = Json::array();
    const Json* field = find(object, key);
    return field != nullptr && field->is_array() ? *field : kEmpty;
}

const Json& object_at(const Json& object, const char* key) {
    static const Json kEmpty = Json::object();
    const Json* field = find(object, key);
    return field != nullptr && field->is_object() ? *field : kEmpty;
}

std::vector<std::string> texts_at(const Json& object, const char* key) {
    std::vector<std::string> texts;
    for (const auto& item : list_at(object, key)) {
        if (item.is_string()) {
            texts.push_back(printable(item.get_ref<const std::string&>()));
        }
    }
    return texts;
}

std::string place_text(const Json& place) {
    const auto file = text_at(place, "file");
    const auto line = count_at(place, "line");
    return file.empty() || line == 0 ? file : fmt::format("{}:{}", file, line);
}

}  // namespace directfaas::cli
