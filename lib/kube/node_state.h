// SPDX-License-Identifier: Apache-2.0
// What one node's agent has put in force, as its DirectFaaSNode object says it. Written by that
// agent alone, read by the controller (docs/decisions/0030-node-state.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/kube/raw_object.h"
#include "lib/kube/resource.h"

namespace directfaas::kube {

struct NodeState {
    struct Problem {
        std::string object;
        bool error = true;
        std::string message;

        bool operator==(const Problem&) const = default;
    };
    struct Chain {
        std::string ns;
        std::string name;
        std::string uid;
        std::int64_t generation = 0;

        auto operator<=>(const Chain&) const = default;
    };

    // More are counted, not listed: an object must stay small.
    static constexpr std::size_t kMaxProblems = 16;
    static constexpr std::size_t kMaxChains = 1024;

    std::string version;
    std::string backend;
    bool ready = false;
    std::size_t attached_pods = 0;
    std::size_t unattached_pods = 0;
    std::size_t problem_count = 0;
    std::vector<Problem> problems;
    std::vector<Chain> chains;  // whose rules are in force

    bool operator==(const NodeState&) const = default;
};

/// DirectFaaSNode objects, one for each node, named as it is.
Resource node_states();

/// The whole object, for Client::apply(). `observed_at`: RFC 3339.
std::string node_state_text(const std::string& node, const NodeState& state,
                            const std::string& observed_at);

struct NodeStateObject {
    std::string node;
    std::string observed_at;
    NodeState state;
};
/// What is missing or not understood is left empty: a node that says nothing has nothing in force.
NodeStateObject read_node_state(const RawObject& raw);

}  // namespace directfaas::kube
