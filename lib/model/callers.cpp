// SPDX-License-Identifier: Apache-2.0
// Who may call a function, and which statement says so.
#include <algorithm>

#include "lib/model/generator.h"

namespace directfaas::model {

std::vector<Caller> Generator::callers_of(const FunctionNode& function) const {
    const auto& [identity, state] = function;
    const auto& [statement, chain] = static_cast<const Declared<ChainFunction>&>(state.in_graph);
    const auto& ns = identity.name.ns;
    const auto& graph = graphs_.at(ns);

    std::vector<Caller> callers;
    for (const auto& edge : graph.into(statement->name)) {
        callers.push_back({{IdentityKind::kFunction, {ns, edge.statement->from}},
                           Grounds::kEdge,
                           &edge.statement->where,
                           edge.chain});
    }
    if (statement->allow_self) {
        callers.push_back({identity, Grounds::kSelf, &statement->where, chain});
    }
    if (statement->ingress) {
        callers.push_back({Identity{}, Grounds::kExposure, &statement->where, chain});
        for (const auto& entry : graph.entries) {
            callers.push_back({{IdentityKind::kEntry, {ns, entry.statement->name}},
                               Grounds::kEntry,
                               &entry.statement->where,
                               entry.chain});
        }
    }
    for (const auto& name : statement->ingress_from) {
        for (const auto kind : {IdentityKind::kFunction, IdentityKind::kEntry}) {
            const Identity caller{kind, name};
            if (kind == IdentityKind::kFunction ? functions_.contains(caller)
                                                : entries_.contains(caller)) {
                callers.push_back({caller, Grounds::kFrom, &statement->where, chain});
            }
        }
    }
    std::ranges::stable_sort(callers, {}, &Caller::identity);
    const auto rest = std::ranges::unique(callers, {}, &Caller::identity);
    callers.erase(rest.begin(), rest.end());
    return callers;
}

}  // namespace directfaas::model
