// SPDX-License-Identifier: Apache-2.0
// `dfctl observe`: one decision about a flow a line.
#include <fmt/format.h>

#include <algorithm>

#include "cli/render/render.h"

namespace directfaas::cli {
namespace {

/// "2026-11-24 12:03:04.123Z" from RFC 3339, whatever its digits behind the point.
std::string time_text(std::string time) {
    constexpr std::size_t kDay = 10;
    constexpr std::size_t kSeconds = 19;
    if (time.size() < kSeconds || time[kDay] != 'T') {
        return time;
    }
    time[kDay] = ' ';
    const auto zone = std::min(time.find_first_not_of(".0123456789", kSeconds), time.size());
    auto fraction = time.substr(kSeconds, zone - kSeconds) + "000";
    fraction = fraction[0] == '.' ? fraction.substr(0, 4) : ".000";
    return time.substr(0, kSeconds) + fraction + time.substr(zone);
}

Tone verdict_tone(std::string_view verdict) {
    if (verdict == "pass") {
        return Tone::kGood;
    }
    return verdict == "drop" || verdict == "refuse" ? Tone::kBad : Tone::kWarn;
}

}  // namespace

std::string EventLines::padded(std::size_t column, std::string_view text) {
    // First widths: the longest verdict, reason and hook there are today.
    static constexpr std::size_t kFirst[] = {24, 6, 17, 0, 0, 3, 8};
    if (widths_.empty()) {
        widths_.assign(std::begin(kFirst), std::end(kFirst));
    }
    auto& columns = widths_[column];
    columns = std::max(columns, width(text));
    return std::string(text) + std::string(columns - width(text), ' ');
}

std::string EventLines::render(const Json& event) {
    const auto verdict = text_at(event, "verdict");
    const auto instance = text_at(event, "instance");
    auto line =
        fmt::format("{}  {}  {}  {}  {}  {}  {}  {}", padded(0, time_text(text_at(event, "time"))),
                    style_.paint(verdict_tone(verdict), padded(1, verdict)),
                    padded(2, text_at(event, "reason")),
                    padded(3, text_at(event, "from") + " → " + text_at(event, "to")),
                    padded(4, text_at(event, "source") + " → " + text_at(event, "destination")),
                    padded(5, text_at(event, "protocol")), padded(6, text_at(event, "hook")),
                    bytes_text(count_at(event, "length")));
    if (!instance.empty()) {
        line += "  instance " + instance;
    }
    return line + "\n";
}

}  // namespace directfaas::cli
