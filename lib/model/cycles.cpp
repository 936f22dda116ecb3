// SPDX-License-Identifier: Apache-2.0
// Walks over the edges of a chain graph. Iterative: a chain may be as long as memory allows.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/model/chain_graph.h"

namespace directfaas::model {
namespace {

constexpr std::size_t kMaxCycles = 8;

using Node = std::uint32_t;

/// Edges by caller, with functions as numbers in order of their names.
class CallerView {
   public:
    explicit CallerView(const ChainGraph& graph) : first_(graph.functions.size() + 1) {
        for (const auto& edge : graph.edges) {
            ++first_[edge.caller + 1];
        }
        for (std::size_t i = 1; i < first_.size(); ++i) {
            first_[i] += first_[i - 1];
        }
        std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
        out_.resize(graph.edges.size());
        for (const auto& edge : graph.edges) {  // by callee, so each caller's list is by callee too
            out_[next[edge.caller]++] = {edge.callee, &edge};
        }
    }

    struct Out {
        Node to;
        const GraphEdge* edge;
    };
    [[nodiscard]] std::span<const Out> out(Node node) const {
        return std::span(out_).subspan(first_[node], first_[node + 1] - first_[node]);
    }
    [[nodiscard]] Node size() const { return static_cast<Node>(first_.size() - 1); }

   private:
    std::vector<std::uint32_t> first_;  // of each caller in out_
    std::vector<Out> out_;
};

class CycleSearch {
   public:
    explicit CycleSearch(const ChainGraph& graph) : view_(graph), state_(view_.size()) {}

    std::vector<std::vector<GraphEdge>> run() {
        for (Node node = 0; node < view_.size() && cycles_.size() < kMaxCycles; ++node) {
            if (state_[node] == State::kNew) {
                walk(node);
            }
        }
        return std::move(cycles_);
    }

   private:
    enum class State : std::uint8_t { kNew, kOnPath, kDone };
    struct Step {
        Node node;
        std::size_t next = 0;  // edge to take
    };

    void walk(Node start) {
        std::vector<Step> path{{start}};
        state_[start] = State::kOnPath;
        while (!path.empty()) {
            const auto edges = view_.out(path.back().node);
            if (path.back().next == edges.size()) {
                state_[path.back().node] = State::kDone;
                path.pop_back();
                continue;
            }
            const Node to = edges[path.back().next++].to;
            if (state_[to] == State::kNew) {
                state_[to] = State::kOnPath;
                path.push_back({to});
            } else if (state_[to] == State::kOnPath && cycles_.size() < kMaxCycles) {
                record(path, to);
            }
        }
    }

    void record(const std::vector<Step>& path, Node first) {
        std::vector<GraphEdge> cycle;
        auto it = std::ranges::find(path, first, &Step::node);
        for (; it != path.end(); ++it) {
            cycle.push_back(*view_.out(it->node)[it->next - 1].edge);
        }
        const auto least = std::ranges::min_element(
            cycle, {}, [](const GraphEdge& e) -> auto& { return e.statement->from; });
        std::ranges::rotate(cycle, least);
        cycles_.push_back(std::move(cycle));
    }

    CallerView view_;
    std::vector<State> state_;
    std::vector<std::vector<GraphEdge>> cycles_;
};

}  // namespace

std::vector<std::vector<GraphEdge>> find_cycles(const ChainGraph& graph) {
    return CycleSearch(graph).run();
}

std::vector<std::string> find_path(const ChainGraph& graph, const std::string& from,
                                   const std::string& to) {
    const auto* first = graph.function(from);
    const auto* last = graph.function(to);
    if (first == nullptr || last == nullptr) {
        return {};
    }
    const auto start = static_cast<Node>(first - graph.functions.data());
    const auto end = static_cast<Node>(last - graph.functions.data());
    const CallerView view(graph);
    constexpr Node kUnseen = UINT32_MAX;
    std::vector<Node> reached_from(view.size(), kUnseen);
    std::vector<Node> queue{start};
    reached_from[queue.front()] = queue.front();
    for (std::size_t i = 0; i < queue.size(); ++i) {
        for (const auto& out : view.out(queue[i])) {
            if (reached_from[out.to] == kUnseen) {
                reached_from[out.to] = queue[i];
                queue.push_back(out.to);
            }
        }
    }
    if (reached_from[end] == kUnseen) {
        return {};
    }
    std::vector<std::string> path{to};
    for (Node node = end; node != start;) {
        node = reached_from[node];
        path.push_back(graph.functions[node].statement->name);
    }
    std::ranges::reverse(path);
    return path;
}

}  // namespace directfaas::model
