// SPDX-License-Identifier: Apache-2.0
// The state of the world as this node knows it, and the rules that follow from it. A change is
// taken whole or refused whole; the cost of a change is that of the functions it touches.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/model/rules.h"

namespace directfaas::model {

struct NodeSettings {
    std::string node_name;                     // pods with another spec.nodeName are remote
    std::vector<util::IpPrefix> pod_networks;  // a vIP inside one of these is refused
};

/// A host-side interface that belongs to a local pod.
struct Link {
    unsigned ifindex = 0;
    bool adopted = true;  // see AttachRule
    /// What the one who made the interface says the pod's addresses are; goes before the pod's
    /// object, which has none until the kubelet has reported them. Empty: not told.
    std::vector<util::IpAddress> told_addresses{};

    auto operator<=>(const Link&) const = default;
};

/// A pod of this node that is part of a chain and needs its interface found.
struct LocalPod {
    ObjectName name;
    std::vector<util::IpAddress> ips;
    std::string interface_name;  // empty: find it by the route to `ips`

    auto operator<=>(const LocalPod&) const = default;
};

/// What a pod is to this node. kUnknown: there is no object of that name (yet), and there may be
/// functions or entries in its namespace.
enum class PodKind : std::uint8_t { kUnknown, kNotInChain, kInChain };

/// Why a call is or is not allowed, for `dfctl explain`.
struct Explanation {
    Identity from;
    Identity to;
    bool allowed = false;
    Enforcement enforcement = Enforcement::kEnforce;
    std::optional<SourceLine> because;  // the edge, exposure or entry that allows it
    std::string reason;            // one sentence: which statement allows it, or what is missing
    std::string advice;            // what to add, empty if allowed
    std::vector<RouteKey> routes;  // the callee's vIPs (only `port` if one was asked for)
};

/// All objects of one origin: a file, or one apiserver object.
struct OriginContent {
    std::string origin;
    std::vector<Object> objects;
};

class Model {
   public:
    explicit Model(NodeSettings settings);
    Model(Model&&) noexcept;
    Model& operator=(Model&&) noexcept;
    ~Model();

    /// Replaces all objects of one origin (a file, or one apiserver object) and returns what
    /// changes in the rules. On any error nothing changes and the problems are returned; the
    /// origin's earlier objects stay in force. An empty list removes the origin.
    std::expected<RuleDelta, std::vector<Problem>> replace(const std::string& origin,
                                                           std::vector<Object> objects);

    /// The same for several origins, each named once, taken or refused together. Chains in two
    /// files that use each other's functions can only be taken so, and an object that moves between
    /// files does not go away in between.
    std::expected<RuleDelta, std::vector<Problem>> replace_all(std::vector<OriginContent> contents);

    /// Tells which interface a local pod is behind; nothing when it has none (any more). A link is
    /// kept until it is taken back, whether the pod's object is known yet, still, or not.
    RuleDelta set_link(const ObjectName& pod, std::optional<Link> link);

    [[nodiscard]] const RuleSet& rules() const;
    /// Local pods of functions and entries, whether their interface is known or not.
    [[nodiscard]] std::vector<LocalPod> local_pods() const;
    /// As last told by set_link().
    [[nodiscard]] std::optional<Link> link(const ObjectName& pod) const;
    [[nodiscard]] PodKind pod_kind(const ObjectName& pod) const;
    /// Standing warnings: a function whose Service is missing or headless, for instance.
    [[nodiscard]] std::vector<Problem> warnings() const;
    /// `from` and `to` are "name" or "namespace/name"; a bare name must be unique.
    [[nodiscard]] std::expected<Explanation, Problem> explain(
        const std::string& from, const std::string& to, std::optional<std::uint16_t> port) const;
    /// Where each allowed call was declared; outside → function gives the exposure's line.
    [[nodiscard]] std::map<AllowKey, SourceLine> allow_sources() const;

   private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace directfaas::model
