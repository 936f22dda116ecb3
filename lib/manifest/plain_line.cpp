// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/plain_line.h"

#include <algorithm>

namespace directfaas::manifest::plain {
namespace {

constexpr std::size_t kMaxKey = 128;  // far below yaml-cpp's limit

bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// May begin an unquoted value. Every YAML indicator is missing here.
bool may_begin(char c) { return is_alnum(c) || c == '_' || c == '/' || c == '.' || c == '~'; }
bool is_key_character(char c) {
    return is_alnum(c) || c == '_' || c == '/' || c == '.' || c == '-';
}
bool is_null(std::string_view text) {
    return text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// One-line {...} and [...].
class FlowReader {
   public:
    FlowReader(TreeBuilder& builder, int line) : builder_(builder), line_(line) {}

    void collection(std::string_view& rest) {  // NOLINT(misc-no-recursion): depth by the builder
        const bool map = rest.front() == '{';
        const char bracket = map ? '}' : ']';
        map ? builder_.begin_map(line_) : builder_.begin_sequence(line_);
        rest.remove_prefix(1);
        skip_spaces(rest);
        while (!rest.starts_with(bracket)) {
            if (map) {
                const auto key = rest.empty() ? std::nullopt : eat_key(rest);
                if (!key) {
                    throw Unusual{};
                }
                builder_.scalar(line_, *key, false);
            }
            value(rest);
            skip_spaces(rest);
            separator(rest, bracket);
        }
        rest.remove_prefix(1);
        builder_.end();
    }

   private:
    /// Eats ", " before a further entry; a comma before the bracket is left to yaml-cpp.
    static void separator(std::string_view& rest, char bracket) {
        if (rest.starts_with(bracket)) {
            return;
        }
        if (!rest.starts_with(", ")) {
            throw Unusual{};
        }
        rest.remove_prefix(1);
        skip_spaces(rest);
        if (rest.empty() || rest.starts_with(bracket)) {
            throw Unusual{};
        }
    }

    void value(std::string_view& rest) {  // NOLINT(misc-no-recursion)
        if (rest.empty()) {
            throw Unusual{};
        }
        if (rest.front() == '{' || rest.front() == '[') {
            collection(rest);
        } else if (rest.front() == '"' || rest.front() == '\'') {
            builder_.scalar(line_, eat_quoted(rest), true);
        } else {
            plain(rest);
        }
    }

    void plain(std::string_view& rest) {
        const auto end = rest.find_first_of(",{}[]:#\"'");
        if (end == std::string_view::npos || !may_begin(rest.front()) ||
            !std::string_view(",}]").contains(rest[end])) {
            throw Unusual{};
        }
        auto text = rest.substr(0, end);
        rest.remove_prefix(end);
        trim_right(text);
        unquoted(builder_, line_, text);
    }

    TreeBuilder& builder_;
    int line_;
};

}  // namespace

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

void unquoted(TreeBuilder& builder, int line, std::string_view text) {
    if (!may_begin(text.front())) {
        throw Unusual{};
    }
    is_null(text) ? builder.null(line) : builder.scalar(line, text, false);
}

void eat_flow(TreeBuilder& builder, int line, std::string_view& rest) {
    FlowReader(builder, line).collection(rest);
}

void trim_right(std::string_view& text) {
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
}

void skip_spaces(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

bool only_comment(std::string_view rest) {
    const bool separated = rest.starts_with(' ');
    skip_spaces(rest);
    return rest.empty() || (separated && rest.starts_with('#'));
}

std::string_view eat_quoted(std::string_view& rest) {
    const char quote = rest.front();
    const auto end = rest.find(quote, 1);
    if (end == std::string_view::npos) {
        throw Unusual{};
    }
    const auto text = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (text.contains('\\') || rest.starts_with(quote)) {
        throw Unusual{};
    }
    return text;
}

std::optional<std::string_view> eat_key(std::string_view& rest) {
    auto ahead = rest;
    std::string_view key;
    if (ahead.starts_with('"') || ahead.starts_with('\'')) {
        key = eat_quoted(ahead);
    } else {
        if (!may_begin(ahead.front())) {
            return std::nullopt;
        }
        const auto end = std::ranges::find_if_not(ahead, is_key_character) - ahead.begin();
        key = ahead.substr(0, static_cast<std::size_t>(end));
        ahead.remove_prefix(key.size());
        if (is_null(key)) {
            throw Unusual{};
        }
    }
    if (key.size() > kMaxKey) {
        throw Unusual{};
    }
    if (ahead != ":" && !ahead.starts_with(": ")) {
        return std::nullopt;
    }
    ahead.remove_prefix(1);
    skip_spaces(ahead);
    rest = ahead;
    return key;
}

}  // namespace directfaas::manifest::plain
