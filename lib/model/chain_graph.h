// SPDX-License-Identifier: Apache-2.0
// The chains of one namespace added up: one function per name, one edge per pair, no cycle.
// Holds pointers into the chains.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/objects.h"

namespace directfaas::model {

/// A function, entry or edge together with the chain that declared it first (by chain name).
template <typename T>
struct Declared {
    const T* statement = nullptr;
    const FunctionChain* chain = nullptr;
};
struct GraphFunction : Declared<ChainFunction> {
    Enforcement enforcement = Enforcement::kEnforce;  // the strictest of all chains that have it
    bool fast_path = true;                            // no chain that has it says "off"
};
struct GraphEntry : Declared<ChainEntry> {
    Enforcement enforcement = Enforcement::kEnforce;
    bool fast_path = true;
};
struct GraphEdge : Declared<ChainEdge> {
    std::uint32_t caller = 0;  // positions in ChainGraph::functions
    std::uint32_t callee = 0;
};

struct ChainGraph {
    std::vector<GraphFunction> functions;  // by name
    std::vector<GraphEntry> entries;       // by name
    std::vector<GraphEdge> edges;          // by callee, then caller; both ends are functions

    [[nodiscard]] const GraphFunction* function(std::string_view name) const;
    /// The edges whose callee is `name`.
    [[nodiscard]] std::span<const GraphEdge> into(std::string_view name) const;
    [[nodiscard]] bool empty() const;
};

using ChainSet = std::set<const FunctionChain*>;

struct MergedChains {
    ChainGraph graph;
    std::vector<Problem> problems;  // all of them errors
};

/// Adds up `chains`, sorted by name. A problem between two chains is reported at one of `changed`,
/// for that is what somebody just wrote. With problems the graph is usable but not to be enforced:
/// the first of two contradicting statements holds.
[[nodiscard]] MergedChains merge_chains(std::span<const FunctionChain* const> chains,
                                        const ChainSet& changed);

/// The cycles of the graph, each once, as its edges in order; starts at the least function name.
/// Not complete when cycles share edges, but empty only if there is none.
[[nodiscard]] std::vector<std::vector<GraphEdge>> find_cycles(const ChainGraph& graph);

/// How `from` reaches `to` over edges, as function names with both ends; empty if it does not.
[[nodiscard]] std::vector<std::string> find_path(const ChainGraph& graph, const std::string& from,
                                                 const std::string& to);

}  // namespace directfaas::model
