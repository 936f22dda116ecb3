// SPDX-License-Identifier: Apache-2.0
// JSON with line numbers, which the SAX interface of the JSON library does not give. Documents
// follow one another, with or without `---` between them.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/manifest/read.h"
#include "lib/manifest/scalar.h"

namespace directfaas::manifest {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Eats one digit or more.
bool eat_digits(std::string_view& word) {
    const auto rest = std::min(word.find_first_not_of("0123456789"), word.size());
    word.remove_prefix(rest);
    return rest > 0;
}

bool eat(std::string_view& word, std::string_view one_of) {
    const bool there = !word.empty() && one_of.contains(word.front());
    word.remove_prefix(there ? 1 : 0);
    return there;
}

bool is_number(std::string_view word) {
    eat(word, "-");
    if (word.size() > 1 && word[0] == '0' && is_digit(word[1])) {
        return false;
    }
    if (!eat_digits(word) || (eat(word, ".") && !eat_digits(word))) {
        return false;
    }
    if (eat(word, "eE")) {
        eat(word, "+-");
        return eat_digits(word) && word.empty();
    }
    return word.empty();
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0U | (point >> 6U));
        put(0x80U | (point & 0x3FU));
    } else if (point < 0x10000) {
        put(0xE0U | (point >> 12U));
        put(0x80U | ((point >> 6U) & 0x3FU));
        put(0x80U | (point & 0x3FU));
    } else {
        put(0xF0U | (point >> 18U));
        put(0x80U | ((point >> 12U) & 0x3FU));
        put(0x80U | ((point >> 6U) & 0x3FU));
        put(0x80U | (point & 0x3FU));
    }
}

class JsonReader {
   public:
    JsonReader(std::string_view text, Tree& tree) : text_(text), tree_(tree), builder_(tree) {}

    void read_all() {
        for (skip_space(); at_ < text_.size(); skip_space()) {
            if (at_line_start() && text_.substr(at_).starts_with("---")) {
                at_ += 3;
                continue;
            }
            value();
            builder_.end_document();
        }
    }

   private:
    [[noreturn]] void fail(const std::string& message) const {
        throw SyntaxError{line_, "not valid JSON: " + message,
                          "Check commas, quotes and brackets here and in the line above"};
    }
    [[nodiscard]] bool at_line_start() const { return at_ == 0 || text_[at_ - 1] == '\n'; }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    [[nodiscard]] std::string found() const {
        if (at_ >= text_.size()) {
            return "the end of the file";
        }
        return static_cast<unsigned char>(text_[at_]) < 0x80 ? shown(text_.substr(at_, 1))
                                                             : "a character outside ASCII";
    }

    void skip_space() {
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\n') {
                ++line_;
            } else if (c != ' ' && c != '\t' && c != '\r') {
                return;
            }
        }
    }

    /// Depth is bounded by the builder, so is this recursion.
    void value() {  // NOLINT(misc-no-recursion)
        switch (peek()) {
            case '{':
                map();
                return;
            case '[':
                sequence();
                return;
            case '"': {
                const int line = line_;
                builder_.scalar(line, string(), true);
                return;
            }
            default:
                word();
        }
    }

    void map() {  // NOLINT(misc-no-recursion)
        builder_.begin_map(line_);
        ++at_;
        for (bool first = true; !closes('}', first); first = false) {
            if (peek() != '"') {
                fail(fmt::format("expected a key in quotes, found {}", found()));
            }
            const int line = line_;
            builder_.scalar(line, string(), true);
            skip_space();
            if (peek() != ':') {
                fail(fmt::format("expected \":\" after a key, found {}", found()));
            }
            ++at_;
            skip_space();
            value();
        }
        builder_.end();
    }

    void sequence() {  // NOLINT(misc-no-recursion)
        builder_.begin_sequence(line_);
        ++at_;
        for (bool first = true; !closes(']', first); first = false) {
            value();
        }
        builder_.end();
    }

    /// Eats the closing bracket, or the comma before a further entry.
    bool closes(char bracket, bool first) {
        skip_space();
        if (peek() == bracket) {
            ++at_;
            return true;
        }
        if (!first) {
            if (peek() != ',') {
                fail(fmt::format("expected \",\" or \"{}\", found {}", bracket, found()));
            }
            ++at_;
            skip_space();
        }
        return false;
    }

    std::string_view string() {
        const auto start = ++at_;
        const auto end = text_.find_first_of("\"\\\n", at_);
        if (end != std::string_view::npos && text_[end] == '"') {
            at_ = end + 1;
            return text_.substr(start, end - start);
        }
        return escaped_string();
    }

    std::string_view escaped_string() {
        std::string out;
        for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
            if (text_[at_] == '"') {
                ++at_;
                return tree_.keep(std::move(out));
            }
            if (text_[at_] == '\\') {
                escape(out);
            } else {
                out.push_back(text_[at_]);
            }
        }
        fail("a string is not closed in its line");
    }

    /// Leaves at_ on the last character of the escape.
    void escape(std::string& out) {
        static constexpr std::string_view kNames = "\"\\/bfnrt";
        static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
        ++at_;
        if (peek() == 'u') {
            append_utf8(out, code_point());
            return;
        }
        const auto known = at_ < text_.size() ? kNames.find(text_[at_]) : std::string_view::npos;
        if (known == std::string_view::npos) {
            fail("unknown escape after a backslash");
        }
        out.push_back(kMeanings[known]);
    }

    std::uint32_t code_point() {
        const auto high = hex4();
        if (high < 0xD800 || high > 0xDFFF) {
            return high;
        }
        if (high < 0xDC00 && text_.substr(at_ + 1).starts_with("\\u")) {
            at_ += 2;
            const auto low = hex4();
            if (low >= 0xDC00 && low <= 0xDFFF) {
                return 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00);
            }
        }
        fail("half of a surrogate pair");
    }

    std::uint32_t hex4() {
        std::uint32_t number = 0;
        for (int i = 0; i < 4; ++i) {
            ++at_;
            const char c = peek();
            const char lower = static_cast<char>(c | 0x20);
            if (is_digit(c)) {
                number = number * 16 + static_cast<std::uint32_t>(c - '0');
            } else if (lower >= 'a' && lower <= 'f') {
                number = number * 16 + static_cast<std::uint32_t>(lower - 'a' + 10);
            } else {
                fail("\\u needs four hexadecimal digits");
            }
        }
        return number;
    }

    void word() {
        const auto end = text_.find_first_of(" \t\r\n,:{}[]\"", at_);
        const auto word = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
        if (word == "null") {
            builder_.null(line_);
        } else if (word == "true" || word == "false" || is_number(word)) {
            builder_.scalar(line_, word, false);
        } else {
            fail(word.empty() ? fmt::format("expected a value, found {}", found())
                              : fmt::format("expected a value, found {}", shown(word)));
        }
        at_ += word.size();
    }

    std::string_view text_;
    Tree& tree_;
    TreeBuilder builder_;
    std::size_t at_ = 0;
    int line_ = 1;
};

}  // namespace

void read_json(std::string_view text, Tree& tree) { JsonReader(text, tree).read_all(); }

}  // namespace directfaas::manifest
