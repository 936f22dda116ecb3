// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/names.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace directfaas::manifest {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_alnum(char c) { return is_lower_alnum(lower(c)); }

/// Label keys and values: letters, digits and "-_.", a letter or digit at both ends.
bool is_qualified(std::string_view text) {
    return !text.empty() && text.size() <= kMaxLabel && is_alnum(text.front()) &&
           is_alnum(text.back()) && std::ranges::all_of(text, [](char c) {
               return is_alnum(c) || c == '-' || c == '_' || c == '.';
           });
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before;
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before = std::exchange(above, std::exchange(row, std::vector<std::size_t>(b.size() + 1)));
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
            const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                                 lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[b.size()];
}

}  // namespace

bool is_dns_label(std::string_view text) {
    return !text.empty() && text.size() <= kMaxLabel && is_lower_alnum(text.front()) &&
           is_lower_alnum(text.back()) &&
           std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
    if (text.size() > kMaxSubdomain) {
        return false;
    }
    for (auto dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
        if (!is_dns_label(text.substr(0, dot))) {
            return false;
        }
        text.remove_prefix(dot + 1);
    }
    return is_dns_label(text);
}

bool is_label_key(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return is_qualified(text);
    }
    return is_dns_subdomain(text.substr(0, slash)) && is_qualified(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) { return text.empty() || is_qualified(text); }

std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates) {
    if (text.size() > kMaxLabel) {
        return std::nullopt;
    }
    std::optional<std::string_view> best;
    std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
    for (const auto candidate : candidates) {
        if (const auto found = distance(text, candidate); found < best_distance) {
            best = candidate;
            best_distance = found;
        }
    }
    return best;
}

}  // namespace directfaas::manifest
