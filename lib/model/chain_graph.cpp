// SPDX-License-Identifier: Apache-2.0
#include "lib/model/chain_graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lib/model/object_text.h"

namespace directfaas::model {
namespace {

constexpr std::size_t kNamesShown = 8;
constexpr std::size_t kCycleShown = 16;  // at either end

Problem error_at(const SourceLine& where, const FunctionChain& chain, std::string message,
                 std::string advice) {
    return {Problem::Severity::kError, where, describe(chain), std::move(message),
            std::move(advice)};
}

/// Of two statements that do not go together, the one to report.
template <typename T>
std::pair<Declared<T>, Declared<T>> culprit_first(const Declared<T>& first,
                                                  const Declared<T>& second,
                                                  const ChainSet& changed) {
    if (changed.contains(first.chain) && !changed.contains(second.chain)) {
        return {first, second};
    }
    return {second, first};
}

/// The field in which two declarations of one function differ; null if they agree.
const char* difference(const ChainFunction& a, const ChainFunction& b) {
    if (a.service != b.service || a.service_port != b.service_port) {
        return "serviceRef";
    }
    if (a.ingress != b.ingress || a.ingress_from != b.ingress_from) {
        return "exposure";
    }
    if (a.allow_self != b.allow_self) {
        return "allowSelf";
    }
    if (a.open_ports != b.open_ports) {
        return "openPorts";
    }
    return a.scale_from_zero != b.scale_from_zero ? "scaleFromZero" : nullptr;
}

const char* difference(const ChainEntry& a, const ChainEntry& b) {
    return a.selector != b.selector ? "selector" : nullptr;
}

class Merger {
   public:
    Merger(std::span<const FunctionChain* const> chains, const ChainSet& changed)
        : chains_(chains), changed_(changed) {}

    MergedChains merge() {
        collect(&FunctionChain::functions, out_.graph.functions, "function");
        collect(&FunctionChain::entries, out_.graph.entries, "entry");
        collect_edges();
        check_functions();
        check_entries();
        check_cycles();
        return std::move(out_);
    }

   private:
    static const std::string& name(const auto& declared) { return declared.statement->name; }

    template <typename Statement, typename Node>
    void collect(std::vector<Statement> FunctionChain::* list, std::vector<Node>& nodes,
                 const char* what) {
        for (const auto* chain : chains_) {
            for (const auto& statement : chain->*list) {
                nodes.push_back({{&statement, chain}, chain->enforcement, chain->fast_path});
            }
        }
        std::ranges::stable_sort(nodes, {}, [](const Node& n) -> auto& { return name(n); });
        std::vector<Node> unique;
        for (const auto& node : nodes) {
            if (unique.empty() || name(unique.back()) != name(node)) {
                unique.push_back(node);
            } else {
                unique.back().enforcement = std::max(unique.back().enforcement, node.enforcement);
                unique.back().fast_path = unique.back().fast_path && node.fast_path;
                check_agreement(unique.back(), node, what);
            }
        }
        nodes = std::move(unique);
    }

    template <typename Node>
    void check_agreement(const Node& kept, const Node& other, const char* what) {
        const auto [culprit, standing] =
            culprit_first<std::remove_const_t<std::remove_pointer_t<decltype(kept.statement)>>>(
                kept, other, changed_);
        if (kept.chain == other.chain) {
            report(culprit,
                   fmt::format("{} {} is listed twice, here and at {}", what, name(kept),
                               standing.statement->where.text()),
                   "Remove one of the two");
        } else if (const char* field = difference(*kept.statement, *other.statement)) {
            report(culprit,
                   fmt::format("{} {} has another {} than in {} ({})", what, name(kept), field,
                               describe(*standing.chain), standing.statement->where.text()),
                   "Make both the same, or remove one: edges may name it without listing it again");
        }
    }

    void collect_edges() {
        for (std::uint32_t i = 0; i < out_.graph.functions.size(); ++i) {
            positions_.emplace(name(out_.graph.functions[i]), i);
        }
        auto& edges = out_.graph.edges;
        for (const auto* chain : chains_) {
            for (const auto& edge : chain->edges) {
                const Declared<ChainEdge> declared{&edge, chain};
                const auto caller = positions_.find(edge.from);
                const auto callee = positions_.find(edge.to);
                if (edge.from == edge.to) {
                    report_self(declared);
                } else if (caller == positions_.end() || callee == positions_.end()) {
                    report_unknown(declared);
                } else {
                    edges.push_back({declared, caller->second, callee->second});
                }
            }
        }
        const auto key = [](const GraphEdge& e) { return std::pair(e.callee, e.caller); };
        std::ranges::stable_sort(edges, {}, key);
        for (auto it = edges.begin(); it != edges.end(); ++it) {
            // Chains add up: only within one is a second edge a slip.
            if (it != edges.begin() && key(*std::prev(it)) == key(*it) &&
                std::prev(it)->chain == it->chain) {
                report(
                    *it,
                    fmt::format("edge {} → {} is listed twice, here and at {}", it->statement->from,
                                it->statement->to, std::prev(it)->statement->where.text()),
                    "Remove one of the two");
            }
        }
        const auto rest = std::ranges::unique(edges, {}, key);
        edges.erase(rest.begin(), rest.end());
    }

    void report_self(const Declared<ChainEdge>& edge) {
        const auto& end = edge.statement->from;
        report(edge, fmt::format("edge {} → {} begins and ends at the same function", end, end),
               fmt::format("Remove it and set allowSelf: true on function {}", end));
    }

    void report_unknown(const Declared<ChainEdge>& edge) {
        for (const auto& end : {edge.statement->from, edge.statement->to}) {
            if (!positions_.contains(end)) {
                report(edge,
                       fmt::format("edge {} → {} names {}, which is {}", edge.statement->from,
                                   edge.statement->to, end, what_else(end)),
                       known_functions());
            }
        }
    }

    std::string what_else(const std::string& end) const {
        const auto is_it = [&](const GraphEntry& entry) { return name(entry) == end; };
        return std::ranges::any_of(out_.graph.entries, is_it)
                   ? "an entry: entries call ingress functions and need no edge"
                   : "in functions[] of no chain of this namespace";
    }

    std::string known_functions() const {
        std::vector<std::string> names;
        for (const auto& function : out_.graph.functions) {
            if (names.size() == kNamesShown) {
                names.emplace_back("...");
                break;
            }
            names.push_back(name(function));
        }
        return fmt::format("Add it to functions[] or correct the name; there are: {}",
                           fmt::join(names, ", "));
    }

    void check_functions() {
        for (const auto& function : out_.graph.functions) {
            for (const auto& caller : function.statement->ingress_from) {
                if (caller.ns == function.chain->name.ns) {
                    report(function,
                           fmt::format("exposure.from of function {} names {}, which is in the "
                                       "same namespace",
                                       name(function), caller.text()),
                           fmt::format("Declare an edge {} → {} instead", caller.name,
                                       name(function)));
                }
            }
        }
    }

    void check_entries() {
        for (const auto& entry : out_.graph.entries) {
            if (const auto* function = out_.graph.function(name(entry))) {
                report(entry,
                       fmt::format("entry {} has the name of a function ({})", name(entry),
                                   function->statement->where.text()),
                       "Rename one of them: counters and messages tell them apart by name");
            }
            if (entry.statement->selector.empty()) {
                report(entry, fmt::format("entry {} selects no labels", name(entry)),
                       "Give matchLabels that only this entry's pods have");
            }
        }
    }

    /// "a→b→c→a"; of very long ones only the beginning and the end.
    static std::string cycle_text(const std::vector<GraphEdge>& cycle) {
        std::string text = cycle.front().statement->from;
        for (std::size_t i = 0; i < cycle.size(); ++i) {
            if (i < kCycleShown || i + kCycleShown >= cycle.size()) {
                text += "→" + cycle[i].statement->to;
            } else if (i == kCycleShown) {
                text += fmt::format("→({} more)", cycle.size() - 2 * kCycleShown);
            }
        }
        return text;
    }

    void check_cycles() {
        for (const auto& cycle : find_cycles(out_.graph)) {
            // What was written last closed it: a changed chain, and there the lowest line.
            const auto& closing = *std::ranges::max_element(cycle, {}, [&](const GraphEdge& e) {
                return std::pair(changed_.contains(e.chain), e.statement->where);
            });
            report(closing,
                   fmt::format("edge {} → {} closes the cycle {}", closing.statement->from,
                               closing.statement->to, cycle_text(cycle)),
                   "Remove one of these edges: a chain must not lead back to where it began");
        }
    }

    template <typename T>
    void report(const Declared<T>& at, std::string message, std::string advice) {
        out_.problems.push_back(
            error_at(at.statement->where, *at.chain, std::move(message), std::move(advice)));
    }

    std::span<const FunctionChain* const> chains_;
    const ChainSet& changed_;
    std::unordered_map<std::string_view, std::uint32_t> positions_;  // of functions, by name
    MergedChains out_;
};

}  // namespace

const GraphFunction* ChainGraph::function(std::string_view name) const {
    const auto key = [](const GraphFunction& f) -> std::string_view { return f.statement->name; };
    const auto found = std::ranges::lower_bound(functions, name, {}, key);
    return found != functions.end() && key(*found) == name ? &*found : nullptr;
}

std::span<const GraphEdge> ChainGraph::into(std::string_view name) const {
    const auto* callee = function(name);
    if (callee == nullptr) {
        return {};
    }
    const auto position = static_cast<std::uint32_t>(callee - functions.data());
    const auto found = std::ranges::equal_range(edges, position, {}, &GraphEdge::callee);
    return {found.begin(), found.end()};
}

bool ChainGraph::empty() const { return functions.empty() && entries.empty(); }

MergedChains merge_chains(std::span<const FunctionChain* const> chains, const ChainSet& changed) {
    return Merger(chains, changed).merge();
}

}  // namespace directfaas::model
