// SPDX-License-Identifier: Apache-2.0
#include "agent/options_text.h"

#include <algorithm>
#include <array>

#include "lib/util/address.h"
#include "lib/util/number.h"

namespace directfaas {
namespace {

constexpr std::size_t kSocketPathMax = 107;  // sun_path without its NUL

}  // namespace

bool is_instance_name(const std::string& text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= 63 && text.front() != '.' && text.front() != '-' &&
           std::ranges::all_of(text, allowed);
}

bool is_interface_name(const std::string& text) {
    constexpr std::size_t kMost = 15;  // IFNAMSIZ without its NUL
    return text.size() <= kMost && is_instance_name(text);
}

bool is_absolute_path(const std::string& text) { return text.size() > 1 && text.front() == '/'; }
bool is_socket_path(const std::string& text) {
    return is_absolute_path(text) && text.size() <= kSocketPathMax && text.back() != '/';
}

std::optional<HttpAddress> parse_http_address(const std::string& text) {
    if (text == "off") {
        return HttpAddress{"", 0};
    }
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) {
        return std::nullopt;
    }
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string::npos) {
        return std::nullopt;
    }
    const auto port = util::parse_number<std::uint16_t>(std::string_view(text).substr(colon + 1));
    if (!util::IpAddress::parse(host) || !port || *port == 0) {
        return std::nullopt;
    }
    return HttpAddress{host, *port};
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
        {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}}};
    constexpr std::uint64_t most = 24ULL * 3600 * 1000;
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto value = util::parse_number<std::uint64_t>(text.substr(0, digits));
    for (const auto& [unit, factor] : units) {
        if (text.substr(digits) == unit && value && *value > 0 && *value <= most / factor) {
            return std::chrono::milliseconds(*value * factor);
        }
    }
    return std::nullopt;
}

}  // namespace directfaas
