// SPDX-License-Identifier: Apache-2.0
// The complete YAML reader: yaml-cpp's events, without its nodes.
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>
#include <vector>

#include "lib/manifest/read.h"
#include "lib/manifest/scalar.h"

namespace directfaas::manifest {
namespace {

int line_of(const YAML::Mark& mark) { return mark.line + 1; }

/// The text, by lines and bytes: yaml-cpp forgives mistakes that only the text shows.
class Source {
   public:
    explicit Source(std::string_view text) : text_(text), starts_{0, 0} {
        for (auto end = text.find('\n'); end != std::string_view::npos;
             end = text.find('\n', end + 1)) {
            starts_.push_back(end + 1);
        }
    }

    /// Line `number`, 1-based, without its end; empty if there is none.
    [[nodiscard]] std::string_view line(int number) const {
        if (number < 1 || static_cast<std::size_t>(number) >= starts_.size()) {
            return {};
        }
        const auto rest = text_.substr(starts_[static_cast<std::size_t>(number)]);
        return rest.substr(0, rest.find('\n'));
    }

    /// False if a quote begins at byte `at` and is not closed: the parser takes the end of the
    /// text for the closing quote.
    [[nodiscard]] bool quote_is_closed(std::size_t at) const {
        const char quote = at < text_.size() ? text_[at] : '\0';
        if (quote != '"' && quote != '\'') {
            return true;
        }
        for (++at; at < text_.size() && text_[at] != quote; ++at) {
            if (quote == '"' && text_[at] == '\\') {
                ++at;
            }
        }
        return at < text_.size();
    }

   private:
    std::string_view text_;
    std::vector<std::size_t> starts_;  // by line number
};

class Events final : public YAML::EventHandler {
   public:
    Events(const Source& source, Tree& tree) : source_(source), tree_(tree), builder_(tree) {}

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override { builder_.end_document(); }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        // At the end of the text, the parser takes a word without colon for a key.
        const int key_line = builder_.waiting_key_line();
        if (key_line > 0 && !source_.line(key_line).contains(':')) {
            throw SyntaxError{key_line, "a key is not followed by a colon", "Write \"key: value\""};
        }
        builder_.null(line_of(mark));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        throw SyntaxError{line_of(mark), "YAML aliases (*name) are not supported",
                          "Write the value out"};
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  const std::string& value) override {
        refuse_tag(mark, tag);
        if (!source_.quote_is_closed(static_cast<std::size_t>(mark.pos))) {
            throw SyntaxError{line_of(mark), "a quote is not closed", "Close the quote"};
        }
        builder_.scalar(line_of(mark), tree_.keep(value), tag == "!");
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                         YAML::EmitterStyle::value /*style*/) override {
        refuse_tag(mark, tag);
        builder_.begin_sequence(line_of(mark));
    }
    void OnSequenceEnd() override { builder_.end(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                    YAML::EmitterStyle::value /*style*/) override {
        refuse_tag(mark, tag);
        builder_.begin_map(line_of(mark));
    }
    void OnMapEnd() override { builder_.end(); }

   private:
    /// "?" is a plain value, "!" a quoted one, nothing a collection; all else is written out.
    static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!tag.empty() && tag != "?" && tag != "!") {
            throw SyntaxError{line_of(mark),
                              fmt::format("YAML tag {} is not supported", shortened(tag)),
                              "Remove the tag; put text in quotes"};
        }
    }

    const Source& source_;
    Tree& tree_;
    TreeBuilder builder_;
};

bool indented_with_tab(std::string_view line) {
    const auto content = line.find_first_not_of(' ');
    return content != std::string_view::npos && line[content] == '\t';
}

SyntaxError explain(const YAML::Exception& error, const Source& source) {
    const int line = error.mark.is_null() ? 1 : line_of(error.mark);
    if (indented_with_tab(source.line(line))) {
        return {line, "the line is indented with a tab", "YAML wants spaces: replace the tab"};
    }
    return {line, fmt::format("not valid YAML: {}", error.msg),
            "Check indentation, colons, quotes and brackets here and in the lines above"};
}

}  // namespace

void read_yaml(std::string_view text, Tree& tree) {
    std::istringstream stream{std::string(text)};
    const Source source(text);
    Events events(source, tree);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(events)) {
        }
    } catch (const YAML::Exception& error) {
        throw explain(error, source);
    }
}

}  // namespace directfaas::manifest
