// SPDX-License-Identifier: Apache-2.0
// Which objects are listed and watched, as the server is asked for them.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace directfaas::kube {

struct Resource {
    std::string path;              // "/api/v1/pods", "/api/v1/namespaces/shop/pods"
    std::string label_selector{};  // as kubectl -l
    std::string field_selector{};  // as kubectl --field-selector

    auto operator<=>(const Resource&) const = default;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

/// Percent-encodes all but letters, digits and "-._~".
std::string url_encoded(const std::string& text);
/// "path?a=b&c=d"; no question mark without parameters.
std::string with_query(const std::string& path, const Parameters& parameters);

/// The resource's path with its selectors and `more`.
std::string request_path(const Resource& resource, Parameters more);

}  // namespace directfaas::kube
