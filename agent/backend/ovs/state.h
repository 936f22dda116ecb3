// SPDX-License-Identifier: Apache-2.0
// What is installed: the rules, and the numbers that stand for their names in the switch. Numbers
// are never given twice while the switch runs, so that a connection's mark cannot mean another
// edge or instance than the one it was opened with.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "agent/backend/backend.h"
#include "agent/backend/ovs/flow.h"
#include "agent/backend/ovs/tables.h"
#include "lib/model/rules.h"

namespace directfaas::backend::ovs {

/// Where a pod is on the bridge.
struct PodPlace {
    std::uint16_t zone = 0;  // of its calls; the next one is that of what it accepts
    std::uint32_t port = 0;
    Mac mac{};

    bool operator==(const PodPlace&) const = default;
};

/// What a counting flow had counted before it was last put in.
struct Base {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

using EndpointKey = std::pair<util::IpAddress, std::uint16_t>;

/// A denial as it is counted: caller, callee, reason.
struct PairKey {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    df_reason reason{};

    auto operator<=>(const PairKey&) const = default;
};

/// The value of a key; nothing if there is none.
template <typename Map, typename Key>
const typename Map::mapped_type* look(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
}

struct State {
    std::string instance;  // whose flows were read back; empty: nobody's
    model::RuleSet rules;
    std::map<model::Identity, std::uint32_t> identities;
    std::map<model::AllowKey, std::uint32_t> edges;  // marks
    std::map<model::RouteKey, std::uint32_t> routes;
    std::map<model::RouteKey, std::map<EndpointKey, std::uint32_t>> endpoints;
    std::map<model::ObjectName, PodPlace> pods;
    std::set<PairKey> pairs;  // denied so far
    std::map<FlowKey, Base> bases;
    std::uint32_t next_identity = kFirstIdentity;
    std::uint32_t next_edge = kFirstEdge;
    std::uint32_t next_route = 1;
    std::uint32_t next_endpoint = 1;

    std::uint32_t number(const model::Identity& identity) {
        if (identity.kind == model::IdentityKind::kOutside) {
            return kOutside;
        }
        const auto [found, added] = identities.try_emplace(identity, next_identity);
        next_identity += added ? 1 : 0;
        return found->second;
    }
    [[nodiscard]] std::uint32_t known(const model::Identity& identity) const {
        const auto found = identities.find(identity);
        return found == identities.end() ? kOutside : found->second;
    }
    /// The number of a called function; entries are called like any pod.
    [[nodiscard]] std::uint32_t callee(const model::Identity& identity) const {
        return identity.kind == model::IdentityKind::kFunction ? known(identity) : kOutside;
    }
};

}  // namespace directfaas::backend::ovs
