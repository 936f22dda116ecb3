// SPDX-License-Identifier: Apache-2.0
// Keeps the rules equal to the objects, at the cost of what a change touches. The rules are a pure
// function of objects and links, also of contradicting ones; that is what makes a refused change
// easy to take back: apply it the other way round.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/model/chain_graph.h"
#include "lib/model/function_rules.h"
#include "lib/model/label_index.h"
#include "lib/model/model.h"
#include "lib/model/object_index.h"
#include "lib/model/origins.h"
#include "lib/model/rule_writer.h"

namespace directfaas::model {

struct FunctionState {
    GraphFunction in_graph;
    const Service* service = nullptr;        // null: there is none
    const Labels* selector = nullptr;        // as it stands in the label index; null: not there
    std::vector<RouteKey> routes;            // claimed, by key
    std::vector<util::IpAddress> addresses;  // of its slices, sorted
    std::vector<Identity> callers;           // allowed, sorted
    FunctionFlaws flaws;
    std::vector<ObjectName> unknown_callers;  // exposure.from that is in no chain
};
/// Functions live in a map: the address of one names it, together with its identity.
using FunctionNode = std::pair<const Identity, FunctionState>;

/// Why somebody may call a function.
enum class Grounds : std::uint8_t { kEdge, kSelf, kExposure, kEntry, kFrom };
struct Caller {
    Identity identity;
    Grounds grounds = Grounds::kEdge;
    const SourceLine* where = nullptr;
    const FunctionChain* chain = nullptr;
};

class Generator {
   public:
    explicit Generator(NodeSettings settings) : settings_(std::move(settings)) {}
    Generator(const Generator&) = delete;
    Generator& operator=(const Generator&) = delete;
    ~Generator() = default;

    /// Brings index and rules up to date. Each `before` must be in place during the call, each
    /// `after` until it is a `before`. What `problems` gets are errors: the caller then takes the
    /// change back with before and after exchanged.
    RuleDelta update(std::span<const ObjectChange> changes, std::vector<Problem>& problems);
    RuleDelta set_link(const ObjectName& pod, std::optional<Link> link);

    [[nodiscard]] const RuleSet& rules() const { return rules_; }
    [[nodiscard]] const ObjectIndex& objects() const { return objects_; }
    [[nodiscard]] const std::map<Identity, FunctionState>& functions() const { return functions_; }
    [[nodiscard]] const std::map<Identity, GraphEntry>& entries() const { return entries_; }
    /// Null if the namespace has no chain.
    [[nodiscard]] const ChainGraph* graph(const std::string& ns) const;
    [[nodiscard]] std::vector<LocalPod> local_pods() const;
    [[nodiscard]] PodKind pod_kind(const ObjectName& pod) const;
    [[nodiscard]] std::optional<Link> link(const ObjectName& pod) const;
    /// Sorted by identity, none twice.
    [[nodiscard]] std::vector<Caller> callers_of(const FunctionNode& function) const;
    [[nodiscard]] std::vector<Problem> warnings() const;

   private:
    /// What one update touches. Functions and pods in here exist, but for pods by name.
    struct Dirty {
        std::set<std::string> namespaces;
        std::set<FunctionNode*> functions;  // to be generated again
        std::set<FunctionNode*> callees;    // whose callers may have changed
        std::set<ObjectName> pods;
        std::vector<util::IpAddress> addresses;  // each once only after refresh() has sorted them
        std::set<RouteKey> routes;
    };
    /// One update under way.
    struct Pass {
        Dirty dirty;
        RuleWriter write;
        std::unordered_map<const FunctionNode*, std::vector<std::pair<RouteKey, RouteRule>>> routes;
    };

    // generator.cpp
    void refresh(Pass& pass);
    void index(std::span<const ObjectChange> changes, Dirty& dirty);
    void mark_functions(std::span<const ObjectChange> changes, Dirty& dirty);
    void mark_functions_of(const ObjectName& service, Dirty& dirty);
    void refresh_function(FunctionNode& node, Pass& pass);
    void claim_addresses(FunctionNode& node, std::vector<util::IpAddress> now, Dirty& dirty);
    void claim_routes(FunctionNode& node, std::vector<RouteKey> now, Dirty& dirty);
    void refresh_route(const RouteKey& key, Pass& pass);
    void refresh_callers(FunctionNode& node, RuleWriter& write);
    void note_warnings(const FunctionNode& node);
    [[nodiscard]] FunctionRules generate(const FunctionNode& node) const;

    // generator_chains.cpp
    void rebuild(const std::string& ns, const ChainSet& changed, Pass& pass,
                 std::vector<Problem>& problems);
    void follow_functions(const std::string& ns, const ChainGraph& old, const ChainGraph& now,
                          Pass& pass);
    void follow_entries(const std::string& ns, const ChainGraph& old, const ChainGraph& now,
                        Pass& pass);
    void follow_edges(const std::string& ns, const ChainGraph& old, const ChainGraph& now,
                      Dirty& dirty);
    void add_function(const Identity& identity, const GraphFunction& declared, Dirty& dirty);
    void change_function(FunctionNode& node, const GraphFunction& declared, Dirty& dirty);
    void retire_function(FunctionNode& node, Pass& pass);
    void add_entry(const Identity& identity, const GraphEntry& declared, Pass& pass);
    void retire_entry(const Identity& identity, Pass& pass);
    void mark_dependents(const ObjectName& caller, Dirty& dirty);

    // generator_pods.cpp
    void refresh_selector(FunctionNode& node, Dirty& dirty);
    void refresh_pod(const ObjectName& name, Pass& pass);
    void mark_pods_in(const std::string& ns, Dirty& dirty);
    [[nodiscard]] bool has_policy(const Pod& pod) const;
    void refresh_address(const util::IpAddress& address, RuleWriter& write);
    void mark_selected(const Identity& owner, const Labels* selector, Dirty& dirty);
    void mark_functions_at(const std::vector<util::IpAddress>& addresses, Dirty& dirty);
    [[nodiscard]] bool is_local(const Pod& pod) const;
    [[nodiscard]] const Identity* identity_of(const Pod& pod) const;
    void mark_node_local(Dirty& dirty);
    [[nodiscard]] Whereabouts where_is(const util::IpAddress& address) const;

    // conflicts.cpp
    void check(const Dirty& dirty, std::vector<Problem>& problems) const;
    void check_vips(const FunctionNode& node, const Dirty& dirty,
                    std::vector<Problem>& problems) const;
    void check_claim(const FunctionNode& node, const RouteKey& key, const Dirty& dirty,
                     std::vector<Problem>& problems) const;
    void check_vip(const FunctionNode& node, const util::IpAddress& vip,
                   std::vector<Problem>& problems) const;
    void check_address(const util::IpAddress& address, const Dirty& dirty,
                       std::vector<Problem>& problems) const;
    void check_pod(const ObjectName& name, const Dirty& dirty,
                   std::vector<Problem>& problems) const;
    [[nodiscard]] const EndpointSlice* slice_with(const FunctionNode& node,
                                                  const util::IpAddress& address) const;

    NodeSettings settings_;
    RuleSet rules_;
    ObjectIndex objects_;
    LabelIndex labels_;
    std::map<ObjectName, Link> links_;                       // by pod, known or not
    std::set<std::pair<util::IpAddress, ObjectName>> told_;  // addresses of links_
    std::map<std::string, ChainGraph> graphs_;
    std::map<Identity, FunctionState> functions_;
    std::map<Identity, GraphEntry> entries_;
    std::multimap<ObjectName, FunctionNode*> functions_by_service_;
    std::multimap<ObjectName, FunctionNode*> dependents_;  // by what exposure.from names
    std::set<std::pair<util::IpAddress, FunctionNode*>> address_claims_;  // by slices
    std::set<std::pair<RouteKey, FunctionNode*>> route_claims_;
    std::set<ObjectName> local_;            // pods of this node with an identity
    std::set<ObjectName> contested_;        // pods that several selectors match
    std::set<const FunctionNode*> warned_;  // functions with a standing warning
};

}  // namespace directfaas::model
