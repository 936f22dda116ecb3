// SPDX-License-Identifier: Apache-2.0
#include "agent/control/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace directfaas::control {

Json checks_json(const std::vector<backend::Capability>& capabilities) {
    Json list = Json::array();
    for (const auto& capability : capabilities) {
        list.push_back({{"name", capability.name},
                        {"ok", capability.available},
                        {"required", capability.required},
                        {"detail", capability.detail},
                        {"advice", capability.advice}});
    }
    return list;
}

std::string checks_table(const std::vector<backend::Capability>& capabilities) {
    std::size_t width = 0;
    for (const auto& capability : capabilities) {
        width = std::max(width, capability.name.size());
    }
    std::string text;
    for (const auto& capability : capabilities) {
        const char* mark = capability.available ? "ok" : capability.required ? "FAIL" : "no";
        text += fmt::format("{:<4}  {:<{}}  {}\n", mark, capability.name, width, capability.detail);
        if (!capability.advice.empty()) {
            text += fmt::format("{:{}}-> {}\n", "", width + 8, capability.advice);
        }
    }
    return text;
}

bool enough(const std::vector<backend::Capability>& capabilities) {
    return std::ranges::all_of(capabilities, [](const auto& capability) {
        return capability.available || !capability.required;
    });
}

}  // namespace directfaas::control
