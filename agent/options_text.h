// SPDX-License-Identifier: Apache-2.0
// The forms of option values: one function each, text to value.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/options.h"

namespace directfaas {

/// "30s", "500ms", "2m", "1h": a whole number above 0 and a unit, up to a day.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "127.0.0.1:9467", "[::1]:9467"; "off" gives port 0.
std::optional<HttpAddress> parse_http_address(const std::string& text);

/// Names part of a path and of network interfaces.
bool is_instance_name(const std::string& text);
bool is_interface_name(const std::string& text);
bool is_absolute_path(const std::string& text);
bool is_socket_path(const std::string& text);

}  // namespace directfaas
