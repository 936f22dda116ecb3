// SPDX-License-Identifier: Apache-2.0
// Text for people: safe to print, with units, in colour where wanted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace directfaas::cli {

/// `text` (UTF-8) with every character that could steer a terminal written as an escape ("\x1b").
/// Covers C0, DEL, C1, line separators and the bidirectional overrides; bytes that are not UTF-8
/// too.
std::string printable(std::string_view text);

/// Columns that `text` takes: its code points.
std::size_t width(std::string_view text);

enum class Tone : std::uint8_t { kPlain, kGood, kBad, kWarn, kDim, kStrong };

/// Whether colours are used. Everything that is printed takes one.
struct Style {
    bool color = false;

    /// `text` in a tone; unchanged without colour.
    [[nodiscard]] std::string paint(Tone tone, std::string_view text) const;
};

/// "9999", "12.0k", "3.41M": at most five characters.
std::string count_text(std::uint64_t count);
/// Of something a second: "0", "0.50", "12.3", "120", "12.0k".
std::string rate_text(double per_second);
/// "512 B", "1.5 KiB", "3.41 GiB".
std::string bytes_text(std::uint64_t bytes);
/// "850 ns", "183 µs", "1.25 ms", "3.4 s", "5m 12s", "3h 20m", "12d 4h".
std::string duration_text(double seconds);
/// "1 error", "2 errors".
std::string plural(std::uint64_t count, std::string_view noun);

}  // namespace directfaas::cli
