// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/resource.h"

#include <fmt/format.h>

namespace directfaas::kube {

std::string url_encoded(const std::string& text) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (const char c : text) {
        if (kPlain.contains(c)) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::string with_query(const std::string& path, const Parameters& parameters) {
    std::string out = path;
    char separator = '?';
    for (const auto& [name, value] : parameters) {
        out += fmt::format("{}{}={}", separator, name, url_encoded(value));
        separator = '&';
    }
    return out;
}

std::string request_path(const Resource& resource, Parameters more) {
    if (!resource.label_selector.empty()) {
        more.emplace_back("labelSelector", resource.label_selector);
    }
    if (!resource.field_selector.empty()) {
        more.emplace_back("fieldSelector", resource.field_selector);
    }
    return with_query(resource.path, more);
}

}  // namespace directfaas::kube
