// SPDX-License-Identifier: Apache-2.0
// One log for the process: a line per event to standard error, readable by journald
// (sd-daemon(3) priority prefixes) or as JSON.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace directfaas::util::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kText, kJson };

/// Sets what is written and how. Thread-safe; call once at start.
void configure(Level minimum, Format format);
bool enabled(Level level);

/// Writes one line; embedded newlines and control characters are escaped. Thread-safe.
void write(Level level, std::string_view message);

template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(Level::kDebug)) {
        write(Level::kDebug, fmt::format(text, std::forward<Args>(args)...));
    }
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::kInfo, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::kWarning, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::kError, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace directfaas::util::log
