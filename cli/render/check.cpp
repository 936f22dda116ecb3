// SPDX-License-Identifier: Apache-2.0
// `dfctl check`: what this machine can do, and how to mend what it cannot.
#include <fmt/format.h>

#include <algorithm>

#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

/// Appends the table's text with each check's advice under its row.
void append_with_advice(std::string& out, const std::string& rows, const Json& checks,
                        const Style& style) {
    std::size_t start = 0;
    for (const auto& check : checks) {
        const auto end = rows.find('\n', start);
        out += rows.substr(start, end - start + 1);
        start = end + 1;
        const auto advice = text_at(check, "advice");
        if (!flag_at(check, "ok") && !advice.empty()) {
            out += fmt::format("      {}  {}\n", style.paint(Tone::kDim, "mend"), advice);
        }
    }
}

}  // namespace

bool check_failed(const Json& answer) {
    return std::ranges::any_of(list_at(answer, "checks"), [](const Json& check) {
        return !flag_at(check, "ok") && flag_at(check, "required");
    });
}

std::string render_check(const Json& answer, const Style& style) {
    const auto& checks = list_at(answer, "checks");
    Table table({{""}, {""}, {""}});
    std::uint64_t failed = 0;
    std::uint64_t warned = 0;
    for (const auto& check : checks) {
        const bool required = flag_at(check, "required");
        Cell mark("ok", Tone::kGood);
        if (!flag_at(check, "ok")) {
            mark = required ? Cell("FAIL", Tone::kBad) : Cell("warn", Tone::kWarn);
            (required ? failed : warned) += 1;
        }
        table.add({mark, text_at(check, "name"), text_at(check, "detail")});
    }
    std::string out;
    append_with_advice(out, table.text(style), checks, style);
    const auto total = plural(checks.size(), "check");
    if (failed > 0) {
        out += fmt::format("{}: {} of {} failed; the agent cannot work here\n",
                           style.paint(Tone::kBad, "not fit"), failed, total);
    } else if (warned > 0) {
        out += fmt::format("{}: {}, {}\n", style.paint(Tone::kGood, "fit"), total,
                           plural(warned, "warning"));
    } else {
        out += fmt::format("{}: {}\n", style.paint(Tone::kGood, "fit"), total);
    }
    return out;
}

}  // namespace directfaas::cli
