// SPDX-License-Identifier: Apache-2.0
// The fast readers must see exactly what yaml-cpp sees, or give up.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "lib/manifest/read.h"

namespace directfaas::manifest {
namespace {

/// Everything of a tree that a decoder can see. Of nulls, the line means nothing.
std::string print(const Node& node) {
    const auto head = fmt::format("{}@{}=", node.key, node.key_line);
    switch (node.kind) {
        case NodeKind::kNull:
            return head + "null";
        case NodeKind::kScalar:
            return fmt::format("{}{}{:?}@{}", head, node.quoted ? "q" : "p", node.text, node.line);
        case NodeKind::kSequence:
        case NodeKind::kMap:
            break;
    }
    std::string children;
    for (const Node* child = node.first; child != nullptr; child = child->next) {
        children += print(*child) + " ";
    }
    const char* brackets = node.kind == NodeKind::kMap ? "{}" : "[]";
    return fmt::format("{}{}@{} {}{}", head, brackets[0], node.line, children, brackets[1]);
}

std::string print(const Tree& tree) {
    std::string all;
    for (const Node* document : tree.documents()) {
        all += print(*document) + "\n";
    }
    return all;
}

/// What yaml-cpp makes of it; "error" if it refuses.
std::string by_yaml(std::string_view text) {
    Tree tree;
    try {
        read_yaml(text, tree);
    } catch (const SyntaxError&) {
        return "error";
    }
    return print(tree);
}

std::string by_json(std::string_view text) {
    Tree tree;
    try {
        read_json(text, tree);
    } catch (const SyntaxError&) {
        return "error";
    }
    return print(tree);
}

std::optional<std::string> by_plain(std::string_view text) {
    Tree tree;
    return read_plain_yaml(text, tree) ? std::optional(print(tree)) : std::nullopt;
}

/// Random texts from pieces that YAML gives a meaning. Every other seed is calm: usual pieces,
/// sensible indentation, so that long texts are right; the others are wrong in every way.
class Texts {
   public:
    explicit Texts(unsigned seed) : random_(seed), calm_(seed % 2 == 0) {}

    std::string text() {
        std::string text;
        const int lines = number(1, calm_ ? 20 : 8);
        for (int i = 0; i < lines; ++i) {
            text += calm_ ? calm_line(i) : wild_line();
        }
        return text;
    }

   private:
    int number(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }

    template <std::size_t kSize>
    std::string_view pick(const std::string_view (&choices)[kSize]) {
        return choices[static_cast<std::size_t>(number(0, kSize - 1))];
    }

    std::string_view usual_value() {
        static constexpr std::string_view kValues[] = {"x",
                                                       "v-1",
                                                       "10.0.0.1:80",
                                                       "~",
                                                       "null",
                                                       "true",
                                                       "1.5",
                                                       "\"q: #\"",
                                                       "'s'",
                                                       "a b  c",
                                                       "{a: 1, b: x}",
                                                       "[1, x]",
                                                       "[]",
                                                       "{}",
                                                       "x#c",
                                                       "x # c",
                                                       "\"a\" # c",
                                                       "{a: [b, {c: d}]}",
                                                       "{a: 'x', \"b\": y}",
                                                       "[~, 'q']",
                                                       "a, b",
                                                       "."};
        return pick(kValues);
    }

    std::string_view odd_value() {
        static constexpr std::string_view kValues[] = {
            "a: b", "[a,b]",     "{a}",     "- a",     "|",       "> ",       "&a x", "*a",
            "!t x", "\"a\\nb\"", "'it''s'", "\"open",  "{open",   "a:",       "@x",   "%x",
            "-1",   "-",         "?",       "[a, b,]", "{a: b}x", "\xc3\xa9", "a\tb", ": x",
            "#x",   "..",        "--",      "{a: }",   "{a: b",   "]",        "<<"};
        return pick(kValues);
    }

    /// Goes deeper only below a line that opens something.
    std::string calm_line(int i) {
        if (number(0, 14) == 0) {
            static constexpr std::string_view kBetween[] = {"", "# c", "    # c", "---", "--- # c"};
            const auto text = pick(kBetween);
            if (text.starts_with('-')) {
                indent_ = 0;
                opened_ = list_ = false;
            }
            return std::string(text) + "\n";
        }
        if (opened_ && number(0, 3) > 0) {
            indent_ += number(1, 2);
            list_ = number(0, 2) == 0;
        } else if (!opened_ && indent_ > 0 && number(0, 5) == 0) {
            indent_ = 0;
            list_ = false;
        }
        std::string text(static_cast<std::size_t>(indent_), ' ');
        opened_ = number(0, 2) == 0;
        if (list_) {
            text += number(0, 8) == 0 ? "-   " : "- ";
            if (number(0, 1) == 0) {
                opened_ = false;
                return text + std::string(usual_value()) + "\n";
            }
            if (number(0, 2) == 0) {
                list_ = false;
                indent_ = static_cast<int>(text.size());
            }
        }
        return fmt::format("{}k{}:{}{}\n", text, i, opened_ ? "" : " ",
                           opened_ ? "" : usual_value());
    }

    std::string wild_line() {
        static constexpr std::string_view kKeys[] = {"a", "b",   "c-d", "e.f/g",  "\"q\"", "'s'",
                                                     "~", "h i", "1",   "{x: y}", "a:b"};
        static constexpr std::string_view kWhole[] = {
            "---", "--- # c", "...", "", "# c", "  # c", "---x", "--- x", "%YAML 1.2", "x", "\t"};
        static constexpr std::string_view kEnds[] = {"\n", "\n", "\n", "\n", " \n", "\r\n"};
        if (number(0, 9) == 0) {
            return fmt::format("{}\n", pick(kWhole));
        }
        std::string text(static_cast<std::size_t>(number(0, 3)) * 2, ' ');
        for (int dashes = number(0, 5); dashes >= 4; --dashes) {
            text += number(0, 5) == 0 ? "-  " : "- ";
        }
        const int form = number(0, 9);
        if (form < 8) {
            text += fmt::format("{}:", pick(kKeys));
        }
        if (form < 5) {
            text += ' ';
        }
        if (form < 5 || form >= 8) {
            text += number(0, 1) == 0 ? usual_value() : odd_value();
        }
        return text + std::string(pick(kEnds));
    }

    std::mt19937 random_;
    bool calm_;
    int indent_ = 0;
    bool opened_ = false;
    bool list_ = false;
};

TEST(Readers, PlainReaderSeesWhatYamlCppSees) {
    std::size_t understood = 0;
    std::size_t large = 0;
    for (unsigned seed = 0; seed < 40000; ++seed) {
        const auto text = Texts(seed).text();
        const auto plain = by_plain(text);
        if (plain) {
            ASSERT_EQ(*plain, by_yaml(text)) << "seed " << seed << "\n" << text;
            ++understood;
            large += plain->size() > 300 ? 1 : 0;
        }
    }
    // The comparison must not be empty.
    EXPECT_GT(understood, 5000U);
    EXPECT_GT(large, 500U);
}

constexpr std::string_view kUsual = R"(# a comment
apiVersion: v1
kind: Pod
metadata:
  name: "reviews-0"   # trailing
  labels: {app: reviews, "version": 'v1'}
  annotations:
spec:
  containers:
  - name: web
    args: [a, b]
    ports:
      - containerPort: 80

      -
        containerPort: 81
---
list:
- 1
-
- x: ~
  y: null
)";

TEST(Readers, PlainReaderReadsUsualManifests) { EXPECT_EQ(by_plain(kUsual), by_yaml(kUsual)); }

TEST(Readers, PlainReaderLeavesTheRest) {
    for (const std::string_view text : {"a: |\n  x\n",
                                        "a: &x 1\n",
                                        "a: *x\n",
                                        "a: !!str 1\n",
                                        "a: x\n  y\n",
                                        "? a\n: b\n",
                                        "a: \"x\\n\"\n",
                                        "a:\tb\n",
                                        "a: 1\r\n",
                                        "a: [x,\n  y]\n",
                                        "a b: c\n",
                                        "- - a\n",
                                        "%YAML 1.2\n---\na: 1\n",
                                        "a: 1\n...\n",
                                        "a: \xc3\xa9\n",
                                        "x\n",
                                        "a: b: c\n",
                                        "a: 1\n b: 2\n",
                                        "  a: 1\nb: 2\n",
                                        "a: 1\na: 2\n"}) {
        EXPECT_EQ(by_plain(text), std::nullopt) << text;
    }
}

TEST(Readers, JsonReaderSeesWhatYamlCppSees) {
    for (const std::string_view text :
         {"{}", "[]", "{\"a\": 1}", "{\"a\": [1, -2.5, 1e3, true, false, null, \"x\"]}",
          "{\n  \"a\": {\n    \"b\": \"c\"\n  },\n  \"d\": []\n}\n",
          "{\"a\": \"q\\\"\\\\\\/\\n\\t\\u00e9\"}", "{\"a\": \"\xc3\xa9\"}",
          "{\"a\": 1}\n---\n{\"b\": 2}\n"}) {
        EXPECT_EQ(by_json(text), by_yaml(text)) << text;
    }
}

TEST(Readers, JsonReaderReadsWhatYamlCannot) {
    EXPECT_EQ(by_json("{\n\t\"a\":\t1\n}"), "@0={@1 a@2=p\"1\"@2 }\n");
    EXPECT_EQ(by_json("{\"a\": \"\\ud83d\\ude00\"}"), "@0={@1 a@1=q\"\xF0\x9F\x98\x80\"@1 }\n");
    EXPECT_EQ(by_json("{\"a\":1}{\"b\":2}\n[3]"),
              "@0={@1 a@1=p\"1\"@1 }\n@0={@1 b@1=p\"2\"@1 }\n@0=[@2 @0=p\"3\"@2 ]\n");
}

TEST(Readers, JsonReaderRefusesWhatIsNoJson) {
    for (const std::string_view text : {"{",
                                        "[",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\": 1",
                                        "{\"a\": 1,}",
                                        "[1,]",
                                        "{a: 1}",
                                        "[x]",
                                        "{\"a\" 1}",
                                        "{\"a\": 1 \"b\": 2}",
                                        "[1 2]",
                                        "[01]",
                                        "[1.]",
                                        "[1e]",
                                        "[-]",
                                        "[+1]",
                                        "\"open",
                                        "\"line\nbreak\"",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\ud83d\"",
                                        "\"\\ude00\"",
                                        "]",
                                        "[nul]",
                                        "{1: 2}",
                                        "{\"a\": 1, \"a\": 2}"}) {
        EXPECT_EQ(by_json(text), "error") << text;
    }
}

TEST(Readers, ReadChoosesByTheFirstCharacter) {
    // Both of these only one reader can read.
    EXPECT_FALSE(read("  \n\t{\"a\":\t1}").error);
    EXPECT_FALSE(read("{a: 1}\n").error);
    EXPECT_FALSE(read("---\n{\"a\":\t1}\n---\n{\"b\":\t2}\n").error);
    EXPECT_FALSE(read("---\n{a: 1}\n---\nb: 2\n").error);
    EXPECT_FALSE(read("\xEF\xBB\xBF"
                      "a: 1\n")
                     .error);
}

}  // namespace
}  // namespace directfaas::manifest
