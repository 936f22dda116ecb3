// SPDX-License-Identifier: Apache-2.0
// An agent's answers as text for people. Pure: answer in, text out, whole lines only.
#pragma once

#include <string>
#include <vector>

#include "cli/fields.h"
#include "cli/options.h"
#include "cli/text.h"
#include "lib/model/objects.h"

namespace directfaas::cli {

std::string render_status(const Json& answer, const Style& style);
std::string render_check(const Json& answer, const Style& style);
/// `installed`: the answer is what the backend has, not what is wanted.
std::string render_rules(const Json& answer, bool installed, const Style& style);
std::string render_edges(const Json& answer, const Style& style);
std::string render_functions(const Json& answer, const Style& style);
/// A sample of rates_between(). At most `most` rows, the last of which tells how many are left out.
std::string render_top(const Json& sample, std::size_t most, const Style& style);
/// From the answer to `edges`.
std::string render_graph(const Json& answer, GraphLanguage language);
std::string render_explain(const Json& answer, const Style& style);
/// Problems one a line, each with what to do below it; and the same with a verdict as last line.
std::string problem_lines(const std::vector<model::Problem>& problems, const Style& style);
std::string render_problems(const std::vector<model::Problem>& problems, const Style& style);

/// One event a line. Columns grow with what was seen so far, so that lines of one run align.
class EventLines {
   public:
    explicit EventLines(Style style) : style_(style) {}
    std::string render(const Json& event);

   private:
    std::string padded(std::size_t column, std::string_view text);

    Style style_;
    std::vector<std::size_t> widths_;
};

/// Whether a check that is required failed.
bool check_failed(const Json& answer);

}  // namespace directfaas::cli
