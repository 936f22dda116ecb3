// SPDX-License-Identifier: Apache-2.0
#include "lib/util/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>

namespace directfaas::util::log {
namespace {

std::atomic<Level> minimum_level{Level::kInfo};
std::atomic<Format> line_format{Format::kText};

struct LevelText {
    int priority;  // syslog(3)
    std::string_view name;
};
constexpr std::array<LevelText, 4> kLevels{
    {{7, "debug"}, {6, "info"}, {4, "warning"}, {3, "error"}}};

std::string escaped(std::string_view text, bool json) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else if (json && (c == '"' || c == '\\')) {
            out += '\\';
            out += c;
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

void configure(Level minimum, Format format) {
    minimum_level = minimum;
    line_format = format;
}

bool enabled(Level level) { return level >= minimum_level.load(); }

void write(Level level, std::string_view message) {
    if (!enabled(level)) {
        return;
    }
    const auto& text = kLevels[static_cast<std::size_t>(level)];
    std::string line;
    if (line_format.load() == Format::kJson) {
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now().time_since_epoch());
        line = fmt::format(R"({{"time_ms":{},"level":"{}","message":"{}"}})"
                           "\n",
                           now.count(), text.name, escaped(message, true));
    } else {
        line = fmt::format("<{}>{}\n", text.priority, escaped(message, false));
    }
    // One write per line keeps lines of several threads apart; a full pipe loses the line.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace directfaas::util::log
