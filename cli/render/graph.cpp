// SPDX-License-Identifier: Apache-2.0
// `dfctl graph`: the chains as a picture, in the languages of Graphviz and Mermaid.
#include <fmt/format.h>

#include <map>

#include "cli/render/render.h"

namespace directfaas::cli {
namespace {

/// Numbers for names, since a name may hold what the languages have a use for.
class Nodes {
   public:
    std::size_t operator[](const std::string& name) {
        return numbers_.try_emplace(name, numbers_.size()).first->second;
    }
    [[nodiscard]] const std::map<std::string, std::size_t>& all() const { return numbers_; }

   private:
    std::map<std::string, std::size_t> numbers_;
};

std::string with_escapes(const std::string& text, std::string_view quote, std::string_view slash) {
    std::string out;
    for (const char c : text) {
        if (c == '"') {
            out += quote;
        } else if (c == '\\') {
            out += slash;
        } else {
            out += c;
        }
    }
    return out;
}

std::string in_dot(const std::string& text) { return with_escapes(text, "\\\"", "\\\\"); }
std::string in_mermaid(const std::string& text) { return with_escapes(text, "#quot;", "#92;"); }

std::string calls(const Json& edge) {
    const auto opened = count_at(edge, "opened");
    return opened == 0 ? "" : count_text(opened);
}

std::string denials(const Json& pair) {
    return fmt::format("{} denied", count_text(count_at(pair, "calls")));
}

/// An edge's ends, in the order in which they are numbered.
struct Ends {
    Ends(Nodes& nodes, const Json& item)
        : from(nodes[text_at(item, "from")]), to(nodes[text_at(item, "to")]) {}

    std::size_t from;
    std::size_t to;
};

std::string dot(const Json& answer) {
    Nodes nodes;
    std::string edges;
    for (const auto& edge : list_at(answer, "edges")) {
        const Ends ends(nodes, edge);
        edges +=
            fmt::format("  n{} -> n{} [label=\"{}\"]\n", ends.from, ends.to, in_dot(calls(edge)));
    }
    for (const auto& pair : list_at(answer, "denied")) {
        const Ends ends(nodes, pair);
        edges += fmt::format("  n{} -> n{} [label=\"{}\", style=dashed, color=red]\n", ends.from,
                             ends.to, in_dot(denials(pair)));
    }
    std::string text = "digraph directfaas {\n  rankdir=LR\n  node [shape=box]\n";
    for (const auto& [name, number] : nodes.all()) {
        text += fmt::format("  n{} [label=\"{}\"]\n", number, in_dot(name));
    }
    return text + edges + "}\n";
}

std::string mermaid(const Json& answer) {
    Nodes nodes;
    std::string edges;
    for (const auto& edge : list_at(answer, "edges")) {
        const Ends ends(nodes, edge);
        const auto label = calls(edge);
        edges +=
            fmt::format("  n{} -->{} n{}\n", ends.from,
                        label.empty() ? "" : fmt::format("|\"{}\"|", in_mermaid(label)), ends.to);
    }
    for (const auto& pair : list_at(answer, "denied")) {
        const Ends ends(nodes, pair);
        edges +=
            fmt::format("  n{} -.->|\"{}\"| n{}\n", ends.from, in_mermaid(denials(pair)), ends.to);
    }
    std::string text = "flowchart LR\n";
    for (const auto& [name, number] : nodes.all()) {
        text += fmt::format("  n{}[\"{}\"]\n", number, in_mermaid(name));
    }
    return text + edges;
}

}  // namespace

std::string render_graph(const Json& answer, GraphLanguage language) {
    return language == GraphLanguage::kDot ? dot(answer) : mermaid(answer);
}

}  // namespace directfaas::cli
