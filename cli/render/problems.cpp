// SPDX-License-Identifier: Apache-2.0
// `dfctl validate`: problems in the form compilers use, so that editors jump to them.
#include <fmt/format.h>

#include <algorithm>

#include "cli/render/render.h"

namespace directfaas::cli {

std::string problem_lines(const std::vector<model::Problem>& problems, const Style& style) {
    std::string out;
    for (const auto& problem : problems) {
        const bool error = problem.severity == model::Problem::Severity::kError;
        out +=
            fmt::format("{}: {}: {}{}{}\n", printable(problem.where.text()),
                        style.paint(error ? Tone::kBad : Tone::kWarn, error ? "error" : "warning"),
                        printable(problem.object), problem.object.empty() ? "" : ": ",
                        printable(problem.message));
        if (!problem.advice.empty()) {
            out += fmt::format("  {}  {}\n", style.paint(Tone::kDim, "mend"),
                               printable(problem.advice));
        }
    }
    return out;
}

std::string render_problems(const std::vector<model::Problem>& problems, const Style& style) {
    const auto out = problem_lines(problems, style);
    const auto errors = static_cast<std::uint64_t>(
        std::ranges::count(problems, model::Problem::Severity::kError, &model::Problem::severity));
    const auto warnings = problems.size() - errors;
    if (errors > 0) {
        return out + fmt::format("{}: {}, {}\n", style.paint(Tone::kBad, "refused"),
                                 plural(errors, "error"), plural(warnings, "warning"));
    }
    return out + fmt::format("{}{}\n", style.paint(Tone::kGood, "valid"),
                             warnings == 0 ? "" : ": " + plural(warnings, "warning"));
}

}  // namespace directfaas::cli
