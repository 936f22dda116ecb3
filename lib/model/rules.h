// SPDX-License-Identifier: Apache-2.0
// Backend-neutral rules: what the switch of one node must make true (the output of the paper's
// Flow Table Generator, §4.3). Plain ordered values; equal models give equal rules.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <vector>

#include "lib/model/objects.h"

namespace directfaas::model {

/// Who calls or is called.
enum class IdentityKind : std::uint8_t { kOutside, kFunction, kEntry };
struct Identity {
    IdentityKind kind = IdentityKind::kOutside;
    ObjectName name;  // empty for kOutside

    /// "shop/reviews", "shop/gateway (entry)", "outside".
    [[nodiscard]] std::string text() const;
    auto operator<=>(const Identity&) const = default;
};

/// How calls to an identity are judged. Entries are callers only: their ports are empty.
struct IdentityRule {
    Enforcement enforcement = Enforcement::kEnforce;
    bool ingress = false;
    std::set<PortProtocol> served;  // target ports: subject to edges
    std::set<PortProtocol> open;    // openPorts: anybody may call
    bool fast_path = true;          // its calls, both ways, may go past the node's stack

    bool operator==(const IdentityRule&) const = default;
};

/// A pod of this node whose interface the switch is attached to.
struct AttachRule {
    Identity identity;
    unsigned ifindex = 0;                    // host side
    std::vector<util::IpAddress> addresses;  // the only sources it may use, sorted
    bool adopted = true;    // the pod may have had open connections before it was attached
    bool fast_path = true;  // no NetworkPolicy selects it: its calls may go past the node's stack

    bool operator==(const AttachRule&) const = default;
};

enum class EndpointState : std::uint8_t { kReady, kDraining };
struct RouteEndpoint {
    util::IpAddress address;
    std::uint16_t port = 0;
    EndpointState state = EndpointState::kReady;
    unsigned ifindex = 0;  // host veth if the instance is attached on this node, else 0

    auto operator<=>(const RouteEndpoint&) const = default;
};

/// What happens to a call when no instance is ready.
enum class WhenEmpty : std::uint8_t { kRefuse, kHold };

struct RouteKey {
    util::IpAddress vip;
    std::uint16_t port = 0;
    util::Protocol protocol = util::Protocol::kTcp;

    [[nodiscard]] std::string text() const;  // "10.96.0.2:80/TCP"
    auto operator<=>(const RouteKey&) const = default;
};
struct RouteRule {
    Identity function;
    std::vector<RouteEndpoint> endpoints;  // sorted, unique by address and port
    WhenEmpty when_empty = WhenEmpty::kRefuse;
    /// A caller's next connection goes to the instance of its last one if that is no longer ago; 0:
    /// to any. Callers are told apart by address.
    std::chrono::seconds affinity{0};

    bool operator==(const RouteRule&) const = default;
};

struct AllowKey {
    Identity from;
    Identity to;

    auto operator<=>(const AllowKey&) const = default;
};

/// Everything one node must enforce.
struct RuleSet {
    std::map<Identity, IdentityRule> identities;
    std::map<ObjectName, AttachRule> attachments;  // by pod
    std::map<util::IpAddress, Identity>
        addresses;                         // every known pod of a function or entry, all nodes
    std::map<RouteKey, RouteRule> routes;  // by vIP and port
    std::set<AllowKey> allowed;

    bool operator==(const RuleSet&) const = default;
};

/// The difference of two rule sets. Apply in this order, so that no packet meets a gap:
/// upserts of identities, addresses, routes, allowed, attachments; then `revoked`; then the
/// removals of attachments, routes, addresses, identities.
struct RuleDelta {
    std::map<Identity, IdentityRule> identities;
    std::map<util::IpAddress, Identity> addresses;
    std::map<RouteKey, RouteRule> routes;
    std::set<AllowKey> allowed;
    std::map<ObjectName, AttachRule> attachments;

    std::set<AllowKey> revoked;
    std::set<ObjectName> detached;
    std::set<RouteKey> routes_removed;
    std::set<util::IpAddress> addresses_removed;
    std::set<Identity> identities_removed;

    [[nodiscard]] bool empty() const;
    bool operator==(const RuleDelta&) const = default;
};

/// The delta that turns `from` into `to`. Pure. apply(plan(a, b), a) == b.
RuleDelta plan(const RuleSet& from, const RuleSet& to);

/// Applies a delta to a rule set. Pure but for `rules`.
void apply(const RuleDelta& delta, RuleSet& rules);

/// Appends `next` to `delta`: applying the result equals applying both in turn.
void merge(RuleDelta& delta, const RuleDelta& next);

}  // namespace directfaas::model
