// SPDX-License-Identifier: Apache-2.0
// Leaves out of settings and logs what may be secret. By hand and not by std::regex, whose depth
// grows with the length of a line.
#include <algorithm>
#include <array>
#include <cctype>

#include "cli/sysdump/collect.h"

namespace directfaas::cli {
namespace {

constexpr std::array<std::string_view, 9> kWords{"token",      "secret",     "passw",
                                                 "passphrase", "credential", "authorization",
                                                 "api-key",    "apikey",     "private"};
constexpr std::string_view kLeftOut = "[left out]";

bool of_a_key(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
}

/// Where the value of a key that begins before `at` begins; npos if what stands there is no key.
std::size_t value_after(std::string_view line, std::size_t at) {
    while (at < line.size() && of_a_key(line[at])) {
        ++at;
    }
    if (at < line.size() && (line[at] == '"' || line[at] == '\'')) {
        ++at;
    }
    at = std::min(line.find_first_not_of(" \t", at), line.size());
    if (at == line.size() || (line[at] != '=' && line[at] != ':')) {
        return std::string_view::npos;
    }
    const auto value = line.find_first_not_of(" \t", at + 1);
    return value == line.size() ? std::string_view::npos : value;
}

/// The line up to the value of the first key that may be secret.
std::string without_value(const std::string& line) {
    auto lower = line;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    auto first = std::string::npos;
    for (const auto word : kWords) {
        for (auto at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
            first = std::min(first, value_after(line, at + word.size()));
        }
    }
    return first == std::string::npos ? line : line.substr(0, first) + std::string(kLeftOut);
}

/// "scheme://user:password@host" without what stands before the host.
std::string without_user(std::string line) {
    constexpr std::string_view kScheme = "://";
    for (auto at = line.find(kScheme); at != std::string::npos; at = line.find(kScheme, at + 1)) {
        const auto begin = at + kScheme.size();
        const auto end = line.find_first_of("/@ \t\"'", begin);
        if (end != std::string::npos && line[end] == '@') {
            line.replace(begin, end - begin, kLeftOut);
        }
    }
    return line;
}

}  // namespace

std::string without_secrets(const std::string& text) {
    std::string kept;
    kept.reserve(text.size());
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size());
        kept += without_user(without_value(text.substr(start, end - start)));
        if (end < text.size()) {
            kept += '\n';
        }
        start = end + 1;
    }
    return kept;
}

}  // namespace directfaas::cli
