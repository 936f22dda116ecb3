// SPDX-License-Identifier: Apache-2.0
// The ways from one pod to another on a node that are compared: plain, and through the switch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "test/support/cluster.h"

namespace directfaas::bench {

/// Pods that no chain knows, by pod IP; a function by vIP, by the stack path, by the fast path and
/// over a bridge of Open vSwitch.
enum class Way : std::uint8_t { kPlain, kStack, kFast, kOvs };

/// "plain", "stack", "fast", "ovs"
std::string way_name(Way way);

/// Port of every server, in its pod.
inline constexpr std::uint16_t kServerPort = 8080;

/// A node where one function calls another by vIP, and two pods that no chain knows.
class Node {
   public:
    /// `way` is that by vIP. On Open vSwitch its threads have measured_cpu(), as pods' work has.
    explicit Node(Way way);

    [[nodiscard]] const support::Pod& client(bool plain) const {
        return plain ? *plain_client_ : *caller_;
    }
    [[nodiscard]] const support::Pod& server(bool plain) const {
        return plain ? *plain_server_ : *callee_;
    }
    [[nodiscard]] support::SocketAddress address(bool plain, support::Family family) const;
    /// Connections the switch has counted on the edge.
    [[nodiscard]] std::uint64_t counted() const { return cluster_.edge("caller", "callee").opened; }
    [[nodiscard]] const support::Netns& netns() {
        return cluster_.topology().node(support::NodeId::kA);
    }
    [[nodiscard]] support::AgentProcess& agent() { return cluster_.agent(support::NodeId::kA); }
    /// One more pod that no chain knows.
    const support::Pod& add_pod() { return cluster_.add_outsider(support::NodeId::kA); }

   private:
    support::Cluster cluster_;
    const support::Pod* caller_ = nullptr;
    const support::Pod* callee_ = nullptr;
    const support::Pod* plain_client_ = nullptr;
    const support::Pod* plain_server_ = nullptr;
};

/// Such nodes: one with the fast path, one without, and, if it is wanted, one on Open vSwitch with
/// the datapath that support::ovs_datapath() tells.
class World {
   public:
    enum class Ovs : bool { kNo, kYes };

    explicit World(Ovs ovs = Ovs::kNo);
    /// Those that there are in this world.
    [[nodiscard]] const std::vector<Way>& ways() const { return ways_; }
    [[nodiscard]] const support::Netns& client(Way way) const {
        return node(way).client(way == Way::kPlain).netns();
    }
    [[nodiscard]] const support::Netns& server(Way way) const {
        return node(way).server(way == Way::kPlain).netns();
    }
    [[nodiscard]] support::SocketAddress address(Way way, support::Family family) const {
        return node(way).address(way == Way::kPlain, family);
    }
    /// Throws std::runtime_error unless the switches have counted exactly so many connections.
    void require_counted(std::uint64_t connections) const;
    /// Where the plain pods are.
    [[nodiscard]] Node& plain_node() { return stack_; }

   private:
    [[nodiscard]] const Node& node(Way way) const {
        return way == Way::kFast ? fast_ : way == Way::kOvs ? ovs_.value() : stack_;
    }

    Node stack_{Way::kStack};
    Node fast_{Way::kFast};
    std::optional<Node> ovs_;
    std::vector<Way> ways_{Way::kPlain, Way::kStack, Way::kFast};
};

}  // namespace directfaas::bench
