// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace directfaas::cli {
namespace {

/// One code point and its length; length 0 when the bytes are not UTF-8.
struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;
};

CodePoint code_point_at(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) {
        return {lead, 1};
    }
    std::size_t length = 0;
    if (lead >= 0xc2 && lead < 0xe0) {
        length = 2;
    } else if (lead >= 0xe0 && lead < 0xf0) {
        length = 3;
    } else if (lead >= 0xf0 && lead < 0xf5) {
        length = 4;
    }
    if (length == 0 || text.size() < length) {
        return {};
    }
    std::uint32_t value = lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0U) != 0x80) {
            return {};
        }
        value = value << 6U | (next & 0x3fU);
    }
    return {value, length};
}

bool steers_terminal(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/// Three significant digits and a unit from `units`, each `step` times the one before.
template <std::size_t N>
std::string scaled(double value, double step, const std::array<std::string_view, N>& units) {
    std::size_t unit = 0;
    while (value >= step * 0.9995 && unit + 1 < N) {
        value /= step;
        ++unit;
    }
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}", value, decimals, units[unit]);
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto point = code_point_at(text);
        if (point.length == 0) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
            text.remove_prefix(1);
            continue;
        }
        if (!steers_terminal(point.value)) {
            out += text.substr(0, point.length);
        } else if (point.value == '\n') {
            out += "\\n";
        } else if (point.value == '\t') {
            out += "\\t";
        } else {
            out += point.value < 0x100 ? fmt::format("\\x{:02x}", point.value)
                                       : fmt::format("\\u{:04x}", point.value);
        }
        text.remove_prefix(point.length);
    }
    return out;
}

std::size_t width(std::string_view text) {
    std::size_t columns = 0;
    for (const char c : text) {
        columns += (static_cast<unsigned char>(c) & 0xc0U) == 0x80 ? 0 : 1;
    }
    return columns;
}

std::string Style::paint(Tone tone, std::string_view text) const {
    static constexpr std::array<std::string_view, 6> kCodes{"", "32", "31", "33", "2", "1"};
    const auto code = kCodes[static_cast<std::size_t>(tone)];
    if (!color || code.empty() || text.empty()) {
        return std::string(text);
    }
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string count_text(std::uint64_t count) {
    static constexpr std::array<std::string_view, 5> kUnits{"k", "M", "G", "T", "P"};
    if (count < 10000) {
        return fmt::format("{}", count);
    }
    return scaled(static_cast<double>(count) / 1000, 1000, kUnits);
}

std::string rate_text(double per_second) {
    if (per_second >= 99.95) {
        return count_text(static_cast<std::uint64_t>(std::llround(per_second)));
    }
    return per_second == 0 ? "0" : fmt::format("{:.{}f}", per_second, per_second < 9.995 ? 2 : 1);
}

std::string bytes_text(std::uint64_t bytes) {
    static constexpr std::array<std::string_view, 5> kUnits{" KiB", " MiB", " GiB", " TiB", " PiB"};
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    return scaled(static_cast<double>(bytes) / 1024, 1024, kUnits);
}

std::string duration_text(double seconds) {
    static constexpr std::array<std::string_view, 4> kUnits{" ns", " µs", " ms", " s"};
    if (seconds < 0.9995e-6) {
        return fmt::format("{:.0f} ns", seconds * 1e9);
    }
    if (seconds < 59.95) {
        return scaled(seconds * 1e9, 1000, kUnits);
    }
    const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
    if (whole < 3600) {
        return fmt::format("{}m {}s", whole / 60, whole % 60);
    }
    if (whole < 86400) {
        return fmt::format("{}h {}m", whole / 3600, whole / 60 % 60);
    }
    return fmt::format("{}d {}h", whole / 86400, whole / 3600 % 24);
}

std::string plural(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace directfaas::cli
