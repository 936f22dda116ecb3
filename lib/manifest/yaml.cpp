// SPDX-License-Identifier: Apache-2.0
// The complete YAML reader: yaml-cpp's events, without its nodes.
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>

#include "lib/manifest/read.h"
#include "lib/manifest/scalar.h"

namespace directfaas::manifest {
namespace {

int line_of(const YAML::Mark& mark) { return mark.line + 1; }

class Events final : public YAML::EventHandler {
   public:
    explicit Events(Tree& tree) : tree_(tree), builder_(tree) {}

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override { builder_.end_document(); }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        builder_.null(line_of(mark));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        throw SyntaxError{line_of(mark), "YAML aliases (*name) are not supported",
                          "Write the value out"};
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  const std::string& value) override {
        refuse_tag(mark, tag);
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

    Tree& tree_;
    TreeBuilder builder_;
};

std::string_view line_text(std::string_view text, int line) {
    for (int i = 1; i < line; ++i) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) {
            return {};
        }
        text.remove_prefix(end + 1);
    }
    return text.substr(0, text.find('\n'));
}

bool indented_with_tab(std::string_view line) {
    const auto content = line.find_first_not_of(' ');
    return content != std::string_view::npos && line[content] == '\t';
}

SyntaxError explain(const YAML::Exception& error, std::string_view text) {
    const int line = error.mark.is_null() ? 1 : line_of(error.mark);
    if (indented_with_tab(line_text(text, line))) {
        return {line, "the line is indented with a tab", "YAML wants spaces: replace the tab"};
    }
    return {line, fmt::format("not valid YAML: {}", error.msg),
            "Check indentation, colons, quotes and brackets here and in the lines above"};
}

}  // namespace

void read_yaml(std::string_view text, Tree& tree) {
    std::istringstream stream{std::string(text)};
    Events events(tree);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(events)) {
        }
    } catch (const YAML::Exception& error) {
        throw explain(error, text);
    }
}

}  // namespace directfaas::manifest
