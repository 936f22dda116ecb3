// SPDX-License-Identifier: Apache-2.0
// Texts that cannot be read: what the user is told.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/unit/manifest/decoding.h"

namespace directfaas::manifest {
namespace {

using testing::ElementsAre;

constexpr std::string_view kPod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n";

TEST(Syntax, TabIndentation) {
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: shop\n  name: x\n"
                            "  uid: y\n\tlabels: {}\n"),
                ElementsAre("f.yaml:7: error: Pod shop/x: the line is indented with a tab. YAML "
                            "wants spaces: replace the tab"));
}

TEST(Syntax, WrongIndentation) {
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n namespace: b\n"),
                ElementsAre("f.yaml:5: error: Pod a: not valid YAML: end of map not found. "
                            "Check indentation, colons, quotes and brackets here and in the lines "
                            "above"));
}

TEST(Syntax, BracketNotClosed) {
    EXPECT_THAT(problems_of("kind: Pod\nmetadata: {name: a\n"),
                ElementsAre("f.yaml:3: error: Pod a: not valid YAML: end of map flow not "
                            "found. Check indentation, colons, quotes and brackets here and in the "
                            "lines above"));
}

TEST(Syntax, QuoteNotClosed) {
    for (const std::string_view quote : {"\"", "'"}) {
        EXPECT_THAT(problems_of(fmt::format("kind: Pod\nmetadata:\n  name: {}x\n  a: b\n", quote)),
                    ElementsAre("f.yaml:3: error: Pod (document 1): a quote is not closed. Close "
                                "the quote"));
    }
}

TEST(Syntax, EscapedQuotesAreClosed) {
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  annotations:\n"
                            "    a: \"x\\\"y\\\\\"\n    b: 'it''s'\n    c: \"\xc3\xa9\"\n"),
                ElementsAre());
}

TEST(Syntax, ColonForgottenInTheLastLine) {
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: Pod\nmetadata:\n  uid: y\n  name x\n"),
                ElementsAre("f.yaml:5: error: Pod (document 1): a key is not followed by a colon. "
                            "Write \"key: value\""));
}

TEST(Syntax, DuplicateKey) {
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  name: y\n"),
                ElementsAre("f.yaml:5: error: Pod x: key \"name\" is here a second time. "
                            "Remove one; the first is in line 4"));
}

TEST(Syntax, DuplicateKeyAmongMany) {
    std::string text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  labels:\n";
    for (int i = 0; i < 40; ++i) {
        text += fmt::format("    k{}: x\n", i == 39 ? 7 : i);
    }
    EXPECT_THAT(problems_of(text),
                ElementsAre("f.yaml:45: error: Pod x: key \"k7\" is here a second time. "
                            "Remove one; the first is in line 13"));
}

TEST(Syntax, AliasesAndTags) {
    EXPECT_THAT(problems_of("kind: Pod\na: &x [1]\nb: *x\n"),
                ElementsAre("f.yaml:3: error: Pod (document 1): YAML aliases (*name) are not "
                            "supported. Write the value out"));
    EXPECT_THAT(problems_of("kind: Pod\na: !!str 5\n"),
                ElementsAre("f.yaml:2: error: Pod (document 1): YAML tag tag:yaml.org,2002:str is "
                            "not supported. Remove the tag; put text in quotes"));
}

TEST(Syntax, UnrenderedTemplate) {
    EXPECT_THAT(problems_of("kind: Pod\nmetadata:\n  name: {{ .Values.name }}\n"),
                ElementsAre("f.yaml:3: error: Pod (document 1): a list or map is used as a key. "
                            "Quote it if it is text; render it first if it is a template"));
}

TEST(Syntax, DeepNestingIsRefusedByEachReader) {
    const std::string wanted =
        "error: document 1: nested deeper than 64 levels. No manifest needs this depth; check the "
        "file";
    EXPECT_THAT(problems_of(std::string(100000, '[')), ElementsAre("f.yaml:1: " + wanted));
    EXPECT_THAT(problems_of("a: " + std::string(70, '[') + std::string(70, ']')),
                ElementsAre("f.yaml:1: " + wanted));
    std::string block;
    for (std::size_t i = 0; i < 70; ++i) {
        block += std::string(i, ' ') + "a:\n";
    }
    EXPECT_THAT(problems_of(block), ElementsAre("f.yaml:65: " + wanted));
}

TEST(Syntax, MassesOfValuesAreRefused) {
    std::string text = "[";
    for (int i = 0; i < 300000; ++i) {
        text += "1,";
    }
    EXPECT_THAT(problems_of(text + "1]"),
                ElementsAre("f.yaml:1: error: document 1: more than 262144 values in one file. "
                            "Split the file"));
}

TEST(Syntax, NotUtf8) {
    for (const std::string_view bytes :
         {"\xff\xfe", "\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
          "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xe2\x82"}) {
        const auto wanted = fmt::format(
            "f.yaml:2: error: document 1: byte 0x{:02x} is not UTF-8. Save the file as "
            "UTF-8 text",
            static_cast<unsigned char>(bytes[0]));
        EXPECT_THAT(problems_of(fmt::format("# x\n{}", bytes)), ElementsAre(wanted));
    }
    EXPECT_THAT(problems_of("# \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n" + std::string(kPod)),
                ElementsAre());
}

TEST(Syntax, ControlCharacters) {
    // yaml-cpp takes byte 4 for the end of the text: what follows must not vanish silently.
    EXPECT_THAT(problems_of(std::string(kPod) + "\x04"),
                ElementsAre("f.yaml:5: error: document 1: control character 0x04. Save the file as "
                            "UTF-8 text"));
    EXPECT_THAT(problems_of(std::string_view("a: \0b\n", 6)),
                ElementsAre("f.yaml:1: error: document 1: control character 0x00. Save the file as "
                            "UTF-8 text"));
}

TEST(Syntax, WindowsLineEndsAndByteOrderMark) {
    EXPECT_THAT(problems_of("\xEF\xBB\xBF"
                            "apiVersion: v1\r\nkind: Pod\r\nmetadata:\r\n  name: x\r\n"),
                ElementsAre());
}

TEST(Syntax, JsonNamesItsLine) {
    EXPECT_THAT(problems_of("{\"apiVersion\": \"v1\",\n \"kind\": \"Pod\"\n \"metadata\": {}}\n"),
                ElementsAre("f.yaml:3: error: Pod (document 1): not valid JSON: expected \",\" or "
                            "\"}\", found \"\"\". Check commas, quotes and brackets here and in "
                            "the line above"));
}

TEST(Syntax, HalfWrittenJson) {
    const std::string whole =
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"metadata\": {\"name\": \"x\"}}";
    EXPECT_EQ(objects_of(whole).size(), 1U);
    for (std::size_t length = 1; length < whole.size(); ++length) {
        EXPECT_FALSE(decode("f.json", whole.substr(0, length)).ok()) << length;
    }
}

TEST(Syntax, ErrorInTheThirdDocument) {
    const auto good = std::string(kPod) + "---\n";
    EXPECT_THAT(problems_of(good + good +
                            "apiVersion: v1\nkind: Service\nmetadata:\n"
                            "  namespace: shop\n  name: reviews\nspec: [\n"),
                ElementsAre("f.yaml:17: error: Service shop/reviews: not valid YAML: end of "
                            "sequence flow not found. Check indentation, colons, quotes and "
                            "brackets here and in the lines above"));
}

TEST(Syntax, LongTextsAreCutInMessages) {
    const auto problems = problems_of("apiVersion: v1\nkind: " + std::string(5000, 'x') + "\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_LT(problems[0].size(), 400U);
}

TEST(Syntax, ManyProblemsAreCut) {
    std::string text =
        "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: "
        "{name: x}\nspec: {}\n";
    for (int i = 0; i < 200; ++i) {
        text += fmt::format("x{}: 1\n", i);
    }
    const auto problems = problems_of(text);
    ASSERT_EQ(problems.size(), 51U);
    EXPECT_EQ(problems[50],
              "f.yaml: error: there are more problems than are shown here. Mend these first");
}

}  // namespace
}  // namespace directfaas::manifest
