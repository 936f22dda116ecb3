// SPDX-License-Identifier: Apache-2.0
// The forms of names that the Kubernetes API accepts, and the search for what was meant.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace directfaas::manifest {

/// RFC 1123 label: at most 63 of a-z, 0-9, '-', a letter or digit at both ends.
bool is_dns_label(std::string_view text);
/// RFC 1123 subdomain: labels joined by dots, at most 253 characters.
bool is_dns_subdomain(std::string_view text);
/// "[prefix/]name" with an RFC 1123 prefix.
bool is_label_key(std::string_view text);
/// Empty, or at most 63 of A-Z, a-z, 0-9, '-', '_', '.', a letter or digit at both ends.
bool is_label_value(std::string_view text);

/// The candidate that `text` is a misspelling of, if one is near enough; case does not count.
std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates);

}  // namespace directfaas::manifest
