// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/explain.h"

#include <fmt/format.h>

#include "agent/backend/ovs/compile.h"

namespace directfaas::backend::ovs {
namespace {

std::string edge_line(Bridge& bridge, const State& state, const model::AllowKey& edge) {
    const auto mark = state.edges.find(edge);
    if (mark == state.edges.end()) {
        return fmt::format("table={}: no flow for {} -> {}", table::kEdge, edge.from.text(),
                           edge.to.text());
    }
    const auto flows = bridge.flows(table::kEdge);
    const auto wanted = edge_flows(state, edge).front().key();
    const bool there = flows && std::ranges::any_of(*flows, [&](const FoundFlow& flow) {
                           return flow.key() == wanted;
                       });
    return fmt::format(
        "table={} reg0={:#x},reg1={:#x}: {}", table::kEdge, state.known(edge.from),
        state.known(edge.to),
        there ? fmt::format("ct_mark={:#x}", mark->second) : std::string("the flow is missing"));
}

std::string route_line(const State& state, const model::RouteKey& key) {
    const auto rule = state.rules.routes.find(key);
    if (rule == state.rules.routes.end()) {
        return fmt::format("table={}: no flow for {}", table::kCallee, key.text());
    }
    const auto group = route_group(state, key, rule->second);
    const auto number = state.routes.at(key);
    return group.buckets.empty()
               ? fmt::format("{}: reg3={:#x}, no group: no instance is ready", key.text(), number)
               : fmt::format("{}: reg3={:#x}, group_id={} with {} buckets", key.text(), number,
                             group.id, group.buckets.size());
}

}  // namespace

std::vector<std::string> explain_installed(Bridge& bridge, const State& state,
                                           const model::AllowKey& edge,
                                           const std::vector<model::RouteKey>& routes) {
    std::vector<std::string> lines{edge_line(bridge, state, edge)};
    for (const auto& key : routes) {
        lines.push_back(route_line(state, key));
    }
    return lines;
}

}  // namespace directfaas::backend::ovs
