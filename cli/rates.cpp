// SPDX-License-Identifier: Apache-2.0
#include "cli/rates.h"

#include <map>
#include <span>
#include <string>

namespace directfaas::cli {
namespace {

struct Counter {
    const char* field;
    const char* rate;
};

constexpr Counter kOfFunctions[] = {{"opened", "calls_per_second"},
                                    {"denied", "denied_per_second"},
                                    {"no_instance", "no_instance_per_second"}};
constexpr Counter kOfEdges[] = {{"opened", "calls_per_second"},
                                {"bytes_request", "bytes_request_per_second"},
                                {"bytes_reply", "bytes_reply_per_second"}};

std::string raw(const Json& item, const char* key) {
    const auto found = item.is_object() ? item.find(key) : item.end();
    return item.is_object() && found != item.end() ? found->dump() : "";
}

/// What tells a function or an edge from the others.
std::string key_of(const Json& item) {
    return raw(item, "name") + raw(item, "from") + raw(item, "to");
}

Json rate(const Json* before, const Json& after, const char* field, double seconds) {
    if (before == nullptr || !number_at(*before, field) || !number_at(after, field)) {
        return nullptr;
    }
    const auto then = count_at(*before, field);
    const auto now = count_at(after, field);
    return now < then ? Json(nullptr) : Json(static_cast<double>(now - then) / seconds);
}

Json rates(const Json& before, const Json& after, std::span<const Counter> counters,
           std::span<const char* const> as_they_are, double seconds) {
    std::map<std::string, const Json*> earlier;
    for (const auto& item : before) {
        earlier.emplace(key_of(item), &item);
    }
    Json list = Json::array();
    for (const auto& item : after) {
        const auto found = earlier.find(key_of(item));
        Json told = Json::object();
        for (const char* field : as_they_are) {
            if (item.is_object() && item.contains(field)) {
                told[field] = item[field];
            }
        }
        for (const auto& [field, name] : counters) {
            told[name] =
                rate(found == earlier.end() ? nullptr : found->second, item, field, seconds);
        }
        list.push_back(std::move(told));
    }
    return list;
}

}  // namespace

Json rates_between(const Json& before, const Json& after, double seconds) {
    static constexpr const char* kOfFunction[] = {"name", "ready", "open", "held_now"};
    static constexpr const char* kOfEdge[] = {"from", "to", "open"};
    Json sample{{"seconds", seconds}};
    if (after.is_object() && after.contains("edges")) {
        sample["edges"] =
            rates(list_at(before, "edges"), list_at(after, "edges"), kOfEdges, kOfEdge, seconds);
    } else {
        sample["functions"] = rates(list_at(before, "functions"), list_at(after, "functions"),
                                    kOfFunctions, kOfFunction, seconds);
    }
    return sample;
}

}  // namespace directfaas::cli
