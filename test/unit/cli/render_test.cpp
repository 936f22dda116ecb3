// SPDX-License-Identifier: Apache-2.0
// Each renderer against a reviewed text (golden/NAME.json -> golden/NAME.txt), and against agents
// that send hostile or mistyped answers. DF_UPDATE_GOLDEN=1 writes the texts anew, for review.
#include "cli/render/render.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace directfaas::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using Renderer = std::string (*)(const Json&, const Style&);

std::string render_observe(const Json& answer, const Style& style) {
    EventLines lines(style);
    std::string text;
    for (const auto& event : list_at(answer, "events")) {
        text += lines.render(event);
    }
    return text;
}
std::string render_wanted(const Json& answer, const Style& style) {
    return render_rules(answer, false, style);
}
std::string render_installed(const Json& answer, const Style& style) {
    return render_rules(answer, true, style);
}

std::string render_busiest(const Json& answer, const Style& style) {
    return render_top(answer, 3, style);
}
std::string render_dot(const Json& answer, const Style& /*style*/) {
    return render_graph(answer, GraphLanguage::kDot);
}
std::string render_mermaid(const Json& answer, const Style& /*style*/) {
    return render_graph(answer, GraphLanguage::kMermaid);
}

struct Case {
    const char* name;
    Renderer render;
};
void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }

const std::vector<Case> kCases{
    {"status", render_status},
    {"status_not_ready", render_status},
    {"check", render_check},
    {"check_failed", render_check},
    {"rules", render_wanted},
    {"rules_installed", render_installed},
    {"edges", render_edges},
    {"edges_none", render_edges},
    {"functions", render_functions},
    {"top_functions", render_busiest},
    {"top_edges", render_busiest},
    {"graph_dot", render_dot},
    {"graph_mermaid", render_mermaid},
    {"explain_denied", render_explain},
    {"explain_allowed", render_explain},
    {"explain_audit", render_explain},
    {"observe", render_observe},
};

std::string path_of(const std::string& file) { return std::string(DF_GOLDEN_DIR) + "/" + file; }

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    EXPECT_TRUE(file.good()) << path;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Json answer_of(const Case& c) {
    return Json::parse(read_file(path_of(std::string(c.name) + ".json")));
}

void expect_golden(const std::string& text, const std::string& file) {
    if (std::getenv("DF_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path_of(file)) << text;
    }
    EXPECT_EQ(text, read_file(path_of(file)));
}

/// Calls `visit` with a copy of `answer` for each value in it, with that value replaced.
template <typename Visit>
void with_each_value_replaced(const Json& answer, const Json& replacement, Visit visit) {
    const Json flat = answer.flatten();
    for (const auto& [pointer, value] : flat.items()) {
        Json changed = answer;
        changed[Json::json_pointer(pointer)] = replacement;
        visit(changed, pointer);
    }
}

class Render : public testing::TestWithParam<Case> {};

TEST_P(Render, MatchesTheReviewedText) {
    const auto& c = GetParam();
    expect_golden(c.render(answer_of(c), {}), std::string(c.name) + ".txt");
}

TEST_P(Render, ColourChangesNothingButColour) {
    const auto& c = GetParam();
    const auto colored = c.render(answer_of(c), {true});
    std::string stripped;
    for (std::size_t i = 0; i < colored.size(); ++i) {
        if (colored[i] == '\x1b') {
            i = colored.find('m', i);
        } else {
            stripped += colored[i];
        }
    }
    const std::string_view name = c.name;
    if (name != "edges_none" && !name.starts_with("graph")) {
        EXPECT_THAT(colored, HasSubstr("\x1b["));
    }
    EXPECT_EQ(stripped, c.render(answer_of(c), {}));
}

TEST_P(Render, LinesAreFreeOfTrailingBlanksAndTabs) {
    const auto& c = GetParam();
    const auto text = c.render(answer_of(c), {});
    EXPECT_THAT(text, Not(HasSubstr(" \n")));
    EXPECT_THAT(text, Not(HasSubstr("\t")));
    EXPECT_TRUE(text.ends_with('\n'));
}

TEST_P(Render, NoStringOfTheAgentReachesTheTerminalRaw) {
    const auto& c = GetParam();
    const auto plain_lines = std::ranges::count(c.render(answer_of(c), {}), '\n');
    with_each_value_replaced(answer_of(c),
                             "\x1b]0;x\x07\r\n\xc2\x9b"
                             "31m",
                             [&](const Json& changed, auto& where) {
                                 const auto text = c.render(changed, {});
                                 for (const char* raw : {"\x1b", "\x07", "\r", "\xc2\x9b"}) {
                                     EXPECT_THAT(text, Not(HasSubstr(raw))) << where;
                                 }
                                 // Nothing but the replaced field's own presence may change the
                                 // number of lines.
                                 EXPECT_LE(std::ranges::count(text, '\n'), plain_lines + 2)
                                     << where;
                             });
}

TEST_P(Render, SurvivesAnyTypeAnywhere) {
    const auto& c = GetParam();
    for (const Json& odd : {Json(), Json(-1), Json(1e300), Json(true), Json(Json::array({1})),
                            Json(Json::object())}) {
        with_each_value_replaced(answer_of(c), odd, [&](const Json& changed, auto& where) {
            EXPECT_NO_THROW(c.render(changed, {})) << where << " = " << odd;
        });
    }
    for (const Json& whole : {Json::object(), Json::array(), Json(), Json("x")}) {
        EXPECT_NO_THROW(c.render(whole, {})) << whole;
    }
}

INSTANTIATE_TEST_SUITE_P(Answers, Render, testing::ValuesIn(kCases),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(RenderProblems, ReadLikeACompilersAndEndWithAVerdict) {
    using Severity = model::Problem::Severity;
    const std::vector<model::Problem> problems{
        {Severity::kWarning, {"a.yaml", 3}, "Service shop/x", "has no\x1b[31m selector", "add one"},
        {Severity::kError, {"b.yaml", 0}, "", "not YAML", ""}};
    EXPECT_EQ(render_problems(problems, {}),
              "a.yaml:3: warning: Service shop/x: has no\\x1b[31m selector\n"
              "  mend  add one\n"
              "b.yaml: error: not YAML\n"
              "refused: 1 error, 1 warning\n");
    EXPECT_EQ(render_problems({problems[0]}, {}).substr(0, 9), "a.yaml:3:");
    EXPECT_THAT(render_problems({problems[0]}, {}), HasSubstr("\nvalid: 1 warning\n"));
    EXPECT_EQ(render_problems({}, {}), "valid\n");
}

TEST(RenderExplain, ATableOfColours) {
    const auto answer = answer_of({"explain_denied", render_explain});
    EXPECT_THAT(render_explain(answer, {true}), HasSubstr("\x1b[31mDENIED\x1b[0m (Enforce)"));
}

}  // namespace
}  // namespace directfaas::cli
