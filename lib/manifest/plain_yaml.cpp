// SPDX-License-Identifier: Apache-2.0
// Fast reader for YAML as manifests are usually written: block maps and lists, one-line values,
// one-line {...} and [...]. It understands less than YAML allows and never guesses: at anything
// else it gives up and yaml-cpp reads the text. A differential test holds the two together.
#include <algorithm>
#include <optional>

#include "lib/manifest/plain_line.h"
#include "lib/manifest/read.h"

namespace directfaas::manifest {
namespace {

using namespace plain;  // NOLINT(google-build-using-namespace): the other half of this reader

struct Line {
    int number;
    std::size_t indent;
    std::string_view content;  // from the first character that is no space; never empty
};

class PlainReader {
   public:
    PlainReader(std::string_view text, Tree& tree) : text_(text), builder_(tree) { advance(); }

    void read_all() {
        if (!line_ && !marker_) {
            return;
        }
        if (marker_) {
            advance();  // a marker before all content begins the first document
        }
        while (true) {
            if (line_) {
                block(line_->indent);
            }
            if (line_) {
                throw Unusual{};  // less indented than the first line
            }
            builder_.end_document();
            if (!marker_) {
                return;
            }
            advance();
        }
    }

   private:
    /// Next line with content, into line_; nothing at the end and at a document marker.
    void advance() {
        line_.reset();
        marker_ = false;
        while (!text_.empty()) {
            const auto end = std::min(text_.find('\n'), text_.size());
            auto content = text_.substr(0, end);
            text_.remove_prefix(std::min(end + 1, text_.size()));
            ++number_;
            if (only_comment_line(content)) {
                continue;
            }
            if (content.starts_with("---")) {
                if (!only_comment(content.substr(3))) {
                    throw Unusual{};
                }
                marker_ = true;
                return;
            }
            const auto indent = content.find_first_not_of(' ');
            content.remove_prefix(indent);
            trim_right(content);
            check(content);
            line_ = Line{number_, indent, content};
            return;
        }
    }

    static bool only_comment_line(std::string_view content) {
        skip_spaces(content);
        return content.empty() || content.front() == '#';
    }

    static void check(std::string_view content) {
        if (!is_printable(content) || content.starts_with("...") || content.front() == '%') {
            throw Unusual{};
        }
    }

    static bool is_item(std::string_view content) {
        return content == "-" || content.starts_with("- ");
    }

    void block(std::size_t indent) {  // NOLINT(misc-no-recursion): depth by the builder
        is_item(line_->content) ? sequence(indent) : map(indent);
    }

    void map(std::size_t indent) {  // NOLINT(misc-no-recursion)
        builder_.begin_map(line_->number);
        while (line_ && line_->indent == indent) {
            auto rest = line_->content;
            const auto key = eat_key(rest);
            if (!key) {
                throw Unusual{};
            }
            builder_.scalar(line_->number, *key, false);
            member_value(rest, indent);
        }
        builder_.end();
        refuse_deeper_than(indent);
    }

    void member_value(std::string_view rest, std::size_t indent) {  // NOLINT(misc-no-recursion)
        if (!rest.empty() && rest.front() != '#') {
            one_line_value(rest, indent);
            return;
        }
        const int number = line_->number;
        advance();
        const bool list_beside = line_ && line_->indent == indent && is_item(line_->content);
        if (line_ && (line_->indent > indent || list_beside)) {
            block(line_->indent);
        } else {
            builder_.null(number);
        }
    }

    void sequence(std::size_t indent) {  // NOLINT(misc-no-recursion)
        builder_.begin_sequence(line_->number);
        while (line_ && line_->indent == indent && is_item(line_->content)) {
            item(indent);
        }
        builder_.end();
        refuse_deeper_than(indent);
    }

    void item(std::size_t indent) {  // NOLINT(misc-no-recursion)
        auto rest = line_->content.substr(1);
        skip_spaces(rest);
        if (rest.empty() || rest.front() == '#') {
            const int number = line_->number;
            advance();
            if (line_ && line_->indent > indent) {
                block(line_->indent);
            } else {
                builder_.null(number);
            }
            return;
        }
        if (is_item(rest)) {
            throw Unusual{};
        }
        if (auto ahead = rest; eat_key(ahead)) {
            // A map that begins behind the dash: go on as if the dash were a space.
            line_->indent += line_->content.size() - rest.size();
            line_->content = rest;
            map(line_->indent);
            return;
        }
        one_line_value(rest, indent);
    }

    void one_line_value(std::string_view rest, std::size_t indent) {
        const int number = line_->number;
        if (rest.front() == '{' || rest.front() == '[') {
            eat_flow(builder_, number, rest);
        } else if (rest.front() == '"' || rest.front() == '\'') {
            builder_.scalar(number, eat_quoted(rest), true);
        } else {
            plain(rest, number);
            rest = {};
        }
        if (!only_comment(rest)) {
            throw Unusual{};
        }
        advance();
        refuse_deeper_than(indent);  // the value goes on in the next line, or an error
    }

    void plain(std::string_view text, int number) {
        text = text.substr(0, text.find(" #"));
        trim_right(text);
        if (text.ends_with(':') || text.contains(": ")) {
            throw Unusual{};
        }
        unquoted(builder_, number, text);
    }

    void refuse_deeper_than(std::size_t indent) const {
        if (line_ && line_->indent > indent) {
            throw Unusual{};
        }
    }

    std::string_view text_;
    TreeBuilder builder_;
    std::optional<Line> line_;
    bool marker_ = false;  // a document marker was met
    int number_ = 0;
};

}  // namespace

bool read_plain_yaml(std::string_view text, Tree& tree) {
    try {
        PlainReader(text, tree).read_all();
        return true;
    } catch (const Unusual&) {
        return false;
    } catch (const SyntaxError&) {
        return false;  // yaml-cpp words it
    }
}

}  // namespace directfaas::manifest
