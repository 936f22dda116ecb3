// SPDX-License-Identifier: Apache-2.0
// From changed chains to the functions, entries and edges that differ. A change of a chain costs a
// walk over its namespace; only what says something else than before is generated again.
#include <algorithm>
#include <tuple>

#include "lib/model/generator.h"

namespace directfaas::model {
namespace {

/// Walks two lists sorted by `key`; calls gone(old), added(new) or both(old, new).
template <typename T>
void walk(const std::vector<T>& old, const std::vector<T>& now, const auto& key, const auto& gone,
          const auto& added, const auto& both) {
    auto was = old.begin();
    for (const auto& item : now) {
        for (; was != old.end() && key(*was) < key(item); ++was) {
            gone(*was);
        }
        if (was != old.end() && key(*was) == key(item)) {
            both(*was++, item);
        } else {
            added(item);
        }
    }
    std::for_each(was, old.end(), gone);
}

const auto kName = [](const auto& node) -> const std::string& { return node.statement->name; };

/// Equal but for where they stand.
bool same_meaning(const GraphFunction& a, const GraphFunction& b) {
    if (a.enforcement != b.enforcement || a.fast_path != b.fast_path) {
        return false;
    }
    if (a.statement == b.statement) {
        return true;
    }
    ChainFunction moved = *a.statement;
    moved.where = b.statement->where;
    return moved == *b.statement;
}

/// Entries are callers only: nothing of them is served.
IdentityRule entry_rule(const GraphEntry& entry) {
    IdentityRule rule;
    rule.enforcement = entry.enforcement;
    rule.fast_path = entry.fast_path;
    return rule;
}

Identity function_identity(const std::string& ns, const std::string& name) {
    return {IdentityKind::kFunction, {ns, name}};
}

void erase_pair(std::multimap<ObjectName, FunctionNode*>& map, const ObjectName& key,
                const FunctionNode* node) {
    auto [it, last] = map.equal_range(key);
    it = std::find_if(it, last, [&](const auto& entry) { return entry.second == node; });
    if (it != last) {
        map.erase(it);
    }
}

}  // namespace

const ChainGraph* Generator::graph(const std::string& ns) const {
    const auto found = graphs_.find(ns);
    return found == graphs_.end() ? nullptr : &found->second;
}

void Generator::rebuild(const std::string& ns, const ChainSet& changed, Pass& pass,
                        std::vector<Problem>& problems) {
    auto merged = merge_chains(objects_.chains_in(ns), changed);
    std::ranges::move(merged.problems, std::back_inserter(problems));
    auto& graph = graphs_[ns];
    follow_functions(ns, graph, merged.graph, pass);
    follow_entries(ns, graph, merged.graph, pass);
    follow_edges(ns, graph, merged.graph, pass.dirty);
    graph = std::move(merged.graph);
    if (graph.empty()) {
        graphs_.erase(ns);
    }
}

void Generator::follow_functions(const std::string& ns, const ChainGraph& old,
                                 const ChainGraph& now, Pass& pass) {
    const auto node = [&](const GraphFunction& function) -> FunctionNode& {
        return *functions_.find(function_identity(ns, function.statement->name));
    };
    walk(
        old.functions, now.functions, kName,
        [&](const GraphFunction& gone) { retire_function(node(gone), pass); },
        [&](const GraphFunction& added) {
            add_function(function_identity(ns, added.statement->name), added, pass.dirty);
        },
        [&](const GraphFunction& was, const GraphFunction& is) {
            if (!same_meaning(was, is)) {
                change_function(node(was), is, pass.dirty);
            } else if (was.statement != is.statement || was.chain != is.chain) {
                node(was).second.in_graph = is;
            }
        });
}

void Generator::add_function(const Identity& identity, const GraphFunction& declared,
                             Dirty& dirty) {
    auto& node = *functions_.emplace(identity, FunctionState{}).first;
    node.second.in_graph = declared;
    functions_by_service_.emplace(ObjectName{identity.name.ns, declared.statement->service}, &node);
    for (const auto& caller : declared.statement->ingress_from) {
        dependents_.emplace(caller, &node);
    }
    dirty.functions.insert(&node);
    dirty.callees.insert(&node);
    mark_dependents(identity.name, dirty);
}

void Generator::change_function(FunctionNode& node, const GraphFunction& declared, Dirty& dirty) {
    const auto& ns = node.first.name.ns;
    const auto& was = *node.second.in_graph.statement;
    const auto& is = *declared.statement;
    erase_pair(functions_by_service_, {ns, was.service}, &node);
    functions_by_service_.emplace(ObjectName{ns, is.service}, &node);
    for (const auto& caller : was.ingress_from) {
        erase_pair(dependents_, caller, &node);
    }
    for (const auto& caller : is.ingress_from) {
        dependents_.emplace(caller, &node);
    }
    node.second.in_graph = declared;
    dirty.functions.insert(&node);
    dirty.callees.insert(&node);
}

void Generator::retire_function(FunctionNode& node, Pass& pass) {
    auto& [identity, state] = node;
    auto& dirty = pass.dirty;
    mark_selected(identity, state.selector, dirty);
    if (state.selector != nullptr) {
        labels_.remove(identity, *state.selector);
    }
    claim_addresses(node, {}, dirty);
    claim_routes(node, {}, dirty);
    for (const auto& caller : state.callers) {
        pass.write.revoke({caller, identity});
    }
    pass.write.remove(identity);
    erase_pair(functions_by_service_, {identity.name.ns, state.in_graph.statement->service}, &node);
    for (const auto& caller : state.in_graph.statement->ingress_from) {
        erase_pair(dependents_, caller, &node);
    }
    dirty.functions.erase(&node);
    dirty.callees.erase(&node);
    warned_.erase(&node);
    mark_dependents(identity.name, dirty);
    functions_.erase(functions_.find(identity));
}

void Generator::follow_entries(const std::string& ns, const ChainGraph& old, const ChainGraph& now,
                               Pass& pass) {
    bool others = false;
    const auto identity = [&](const GraphEntry& entry) {
        return Identity{IdentityKind::kEntry, {ns, entry.statement->name}};
    };
    walk(
        old.entries, now.entries, kName,
        [&](const GraphEntry& gone) {
            retire_entry(identity(gone), pass);
            others = true;
        },
        [&](const GraphEntry& added) {
            add_entry(identity(added), added, pass);
            others = true;
        },
        [&](const GraphEntry& was, const GraphEntry& is) {
            auto& [owner, entry] = *entries_.find(identity(was));
            if (was.statement != is.statement) {
                if (was.statement->selector != is.statement->selector) {
                    mark_selected(owner, &was.statement->selector, pass.dirty);
                    mark_selected(owner, &is.statement->selector, pass.dirty);
                }
                labels_.remove(owner, was.statement->selector);
                labels_.add(owner, is.statement->selector);
            }
            entry = is;
            pass.write.put(owner, entry_rule(is));
        });
    if (others) {
        for (const auto& function : now.functions) {
            if (function.statement->ingress) {
                pass.dirty.callees.insert(
                    &*functions_.find(function_identity(ns, function.statement->name)));
            }
        }
    }
}

void Generator::add_entry(const Identity& identity, const GraphEntry& declared, Pass& pass) {
    const auto& owner = entries_.emplace(identity, declared).first->first;
    labels_.add(owner, declared.statement->selector);
    mark_selected(owner, &declared.statement->selector, pass.dirty);
    pass.write.put(identity, entry_rule(declared));
    mark_dependents(identity.name, pass.dirty);
}

void Generator::retire_entry(const Identity& identity, Pass& pass) {
    const auto found = entries_.find(identity);
    const auto& selector = found->second.statement->selector;
    mark_selected(found->first, &selector, pass.dirty);
    labels_.remove(found->first, selector);
    pass.write.remove(identity);
    mark_dependents(identity.name, pass.dirty);
    entries_.erase(found);
}

void Generator::follow_edges(const std::string& ns, const ChainGraph& old, const ChainGraph& now,
                             Dirty& dirty) {
    const auto key = [](const GraphEdge& edge) {
        return std::tie(edge.statement->to, edge.statement->from);
    };
    const auto mark = [&](const GraphEdge& edge) {
        const auto callee = functions_.find(function_identity(ns, edge.statement->to));
        if (callee != functions_.end()) {
            dirty.callees.insert(&*callee);
        }
    };
    walk(old.edges, now.edges, key, mark, mark, [](const auto&, const auto&) {});
}

void Generator::mark_dependents(const ObjectName& caller, Dirty& dirty) {
    const auto [first, last] = dependents_.equal_range(caller);
    for (auto it = first; it != last; ++it) {
        dirty.callees.insert(it->second);
    }
}

}  // namespace directfaas::model
