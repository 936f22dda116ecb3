// SPDX-License-Identifier: Apache-2.0
#include "cli/import/chains.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace directfaas::cli {
namespace {

// What a FunctionChain may hold (docs/functionchain.md).
constexpr std::size_t kMostFunctions = 64;
constexpr std::size_t kMostEdges = 256;

using Edge = std::pair<std::string, std::string>;

/// Functions and edges of one namespace.
class Graph {
   public:
    Graph(std::string name_space, std::vector<model::Problem>& problems)
        : name_space_(std::move(name_space)), problems_(problems) {}

    void add(const StackFunction& function) {
        functions_.push_back(&function);
        names_.insert(function.name);
    }

    /// After all functions were added.
    void add_calls(bool from_environment) {
        for (const auto* function : functions_) {
            for (const auto& call : function->calls) {
                if (call.variable.empty()) {
                    add_declared(*function, call);
                }
            }
        }
        for (const auto* function : functions_) {
            for (const auto& call : function->calls) {
                if (!call.variable.empty() && names_.contains(call.callee)) {
                    add_named_by_variable(*function, call, from_environment);
                }
            }
        }
    }

    [[nodiscard]] std::vector<ImportedChain> chains(const std::string& name) const {
        std::vector<ImportedChain> chains;
        for (std::size_t i = 0;
             i * kMostFunctions < functions_.size() || i * kMostEdges < edges_.size(); ++i) {
            ImportedChain chain{
                i == 0 ? name : fmt::format("{}-{}", name, i + 1), name_space_, {}, {}};
            chain.functions = part(functions_, i, kMostFunctions);
            chain.edges = part(edges_, i, kMostEdges);
            chains.push_back(std::move(chain));
        }
        return chains;
    }

   private:
    template <typename Item>
    static std::vector<Item> part(const std::vector<Item>& items, std::size_t number,
                                  std::size_t size) {
        const auto begin = std::min(number * size, items.size());
        const auto end = std::min(begin + size, items.size());
        return {items.begin() + static_cast<std::ptrdiff_t>(begin),
                items.begin() + static_cast<std::ptrdiff_t>(end)};
    }

    void problem(model::Problem::Severity severity, const StackFunction& function, int line,
                 std::string message, std::string advice) {
        problems_.push_back({severity,
                             {function.where.file, line},
                             "function " + function.name,
                             std::move(message),
                             std::move(advice)});
    }

    [[nodiscard]] bool leads_to(const std::string& from, const std::string& to) const {
        std::set<std::string> seen;
        std::vector<std::string> open{from};
        while (!open.empty()) {
            const auto at = open.back();
            open.pop_back();
            if (at == to) {
                return true;
            }
            const auto callees = callees_.find(at);
            if (callees != callees_.end() && seen.insert(at).second) {
                open.insert(open.end(), callees->second.begin(), callees->second.end());
            }
        }
        return false;
    }

    /// Adds an edge, or says why it is left out. True if it is there afterwards.
    bool add_edge(const StackFunction& from, const StackFunction::Call& call) {
        const auto left_out = [&](const std::string& why, std::string advice) {
            problem(model::Problem::Severity::kError, from, call.line,
                    fmt::format("edge {} → {} is left out: {}", from.name, call.callee, why),
                    std::move(advice));
            return false;
        };
        if (call.callee == from.name) {
            return left_out("a function cannot have an edge to itself",
                            "If its instances call each other, add allowSelf: true to it");
        }
        if (!names_.contains(call.callee)) {
            return left_out("no stack file given here lists " + call.callee + " in this namespace",
                            "Import its stack file together with this one, or add both to the "
                            "chain by hand");
        }
        if (callees_[from.name].contains(call.callee)) {
            return true;
        }
        if (leads_to(call.callee, from.name)) {
            return left_out("it would close a cycle, and a chain has none",
                            "Leave that call to OpenFaaS's gateway, or split the function");
        }
        callees_[from.name].insert(call.callee);
        edges_.emplace_back(from.name, call.callee);
        return true;
    }

    void add_declared(const StackFunction& function, const StackFunction::Call& call) {
        add_edge(function, call);
    }

    void add_named_by_variable(const StackFunction& function, const StackFunction::Call& call,
                               bool from_environment) {
        const auto edges = callees_.find(function.name);
        const bool declared = edges != callees_.end() && edges->second.contains(call.callee);
        if (!declared && !from_environment) {
            problem(model::Problem::Severity::kWarning, function, call.line,
                    fmt::format("environment variable {} names {}, but no edge {} → {} is written",
                                call.variable, call.callee, function.name, call.callee),
                    fmt::format("Add {} to its annotation directfaas.io/invokes, or import with "
                                "--edges-from-environment",
                                call.callee));
        } else if (add_edge(function, call) && call.by_gateway) {
            problem(model::Problem::Severity::kWarning, function, call.line,
                    fmt::format("environment variable {} calls {} through OpenFaaS's gateway",
                                call.variable, call.callee),
                    fmt::format("To call it directly set it to http://{}.{}:8080/", call.callee,
                                name_space_));
        }
    }

    std::string name_space_;
    std::vector<model::Problem>& problems_;
    std::vector<const StackFunction*> functions_;
    std::set<std::string> names_;
    std::vector<Edge> edges_;
    std::map<std::string, std::set<std::string>> callees_;
};

}  // namespace

std::vector<ImportedChain> chains_of(Stack& stack, const std::string& name, bool from_environment) {
    std::map<std::string, Graph> graphs;
    for (const auto& function : stack.functions) {
        graphs.try_emplace(function.name_space, function.name_space, stack.problems)
            .first->second.add(function);
    }
    std::vector<ImportedChain> chains;
    for (auto& [name_space, graph] : graphs) {
        graph.add_calls(from_environment);
        std::ranges::move(graph.chains(name), std::back_inserter(chains));
    }
    return chains;
}

namespace {

/// A name that YAML would take for something else is put in quotes.
std::string scalar(const std::string& name) {
    static const std::set<std::string> kWords{"true", "false", "yes", "no",  "on",
                                              "off",  "y",     "n",   "null"};
    const bool digit = !name.empty() && name.front() >= '0' && name.front() <= '9';
    return digit || kWords.contains(name) ? fmt::format("\"{}\"", name) : name;
}

}  // namespace

std::string chains_as_yaml(const std::vector<ImportedChain>& chains) {
    std::string text;
    for (const auto& chain : chains) {
        text += fmt::format(
            "{}apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\n"
            "metadata:\n  name: {}\n  namespace: {}\nspec:\n  functions:{}\n",
            text.empty() ? "" : "---\n", scalar(chain.name), scalar(chain.name_space),
            chain.functions.empty() ? " []" : "");
        for (const auto* function : chain.functions) {
            text += fmt::format("  - name: {}\n    exposure: {}\n", scalar(function->name),
                                function->ingress ? "Ingress" : "Internal");
            if (!function->scale_from_zero.empty()) {
                text += fmt::format("    scaleFromZero: {}\n", function->scale_from_zero);
            }
        }
        text += chain.edges.empty() ? "" : "  edges:\n";
        for (const auto& [from, to] : chain.edges) {
            text += fmt::format("  - {{from: {}, to: {}}}\n", scalar(from), scalar(to));
        }
    }
    return text;
}

Json chains_as_json(const std::vector<ImportedChain>& chains) {
    Json items = Json::array();
    for (const auto& chain : chains) {
        Json functions = Json::array();
        for (const auto* function : chain.functions) {
            Json item{{"name", function->name},
                      {"exposure", function->ingress ? "Ingress" : "Internal"}};
            if (!function->scale_from_zero.empty()) {
                item["scaleFromZero"] = function->scale_from_zero;
            }
            functions.push_back(std::move(item));
        }
        Json edges = Json::array();
        for (const auto& [from, to] : chain.edges) {
            edges.push_back({{"from", from}, {"to", to}});
        }
        items.push_back({{"apiVersion", "directfaas.io/v1alpha1"},
                         {"kind", "FunctionChain"},
                         {"metadata", {{"name", chain.name}, {"namespace", chain.name_space}}},
                         {"spec", {{"functions", functions}, {"edges", edges}}}});
    }
    return items.size() == 1 ? items[0]
                             : Json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}};
}

}  // namespace directfaas::cli
