// SPDX-License-Identifier: Apache-2.0
// Two simulated nodes joined by a router, and pods behind veths, dual stack:
//
//   pod eth0 ──veth── hN [node-a] uplink ── node-1 [router] node-2 ── uplink [node-b] hN ──veth──
//   eth0 pod
//
// Pods have /32 and /128 addresses and a default route through their host side, as with most
// routed CNIs. Forwarding is plain kernel routing; nothing here knows of the switch.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/util/address.h"
#include "test/support/netns.h"
#include "test/support/vswitch.h"

namespace directfaas::support {

enum class Family : std::uint8_t { kV4, kV6 };
enum class NodeId : std::uint8_t { kA, kB };
/// What a node's pods hang on: plain routing by the kernel, or a bridge of Open vSwitch whose LOCAL
/// port is the node's own interface to them.
enum class NodeSwitch : std::uint8_t { kRouting, kOvs };

/// One address of each family.
struct DualAddress {
    util::IpAddress v4;
    util::IpAddress v6;

    [[nodiscard]] const util::IpAddress& of(Family family) const {
        return family == Family::kV4 ? v4 : v6;
    }
};

class Pod {
   public:
    Pod(std::string name, NodeId node, Netns netns, DualAddress addresses,
        std::string interface_name, unsigned ifindex)
        : name_(std::move(name)),
          node_(node),
          netns_(std::move(netns)),
          addresses_(addresses),
          interface_(std::move(interface_name)),
          ifindex_(ifindex) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] NodeId node() const { return node_; }
    [[nodiscard]] const Netns& netns() const { return netns_; }
    [[nodiscard]] const DualAddress& addresses() const { return addresses_; }
    [[nodiscard]] const util::IpAddress& ip(Family family) const { return addresses_.of(family); }
    /// Host side of its veth, in the node's namespace.
    [[nodiscard]] const std::string& host_interface() const { return interface_; }
    [[nodiscard]] unsigned host_ifindex() const { return ifindex_; }

   private:
    std::string name_;
    NodeId node_;
    Netns netns_;
    DualAddress addresses_;
    std::string interface_;
    unsigned ifindex_;
};

/// What a pod gets when a test must decide it; by default all of it is chosen.
struct PodOptions {
    std::optional<DualAddress> addresses{};
    std::string interface_name{};
    unsigned ifindex = 0;
};

class Topology {
   public:
    explicit Topology(std::string prefix = unique_prefix(),
                      NodeSwitch node_switch = NodeSwitch::kRouting);
    Topology(const Topology&) = delete;
    Topology& operator=(const Topology&) = delete;

    /// Starts every name of this topology; unique on the machine.
    [[nodiscard]] const std::string& prefix() const { return prefix_; }
    [[nodiscard]] const Netns& node(NodeId id) const { return nodes_[static_cast<int>(id)]; }
    [[nodiscard]] const DualAddress& node_addresses(NodeId id) const;
    [[nodiscard]] const Netns& router() const { return router_; }

    /// The node's Open vSwitch, started when first asked for. Only with NodeSwitch::kOvs.
    VSwitch& vswitch(NodeId id);

    /// Adds a pod. The reference stays valid until remove_pod().
    Pod& add_pod(NodeId node, const std::string& name, const PodOptions& options = {});
    /// Deletes its veth at once, and its namespace.
    void remove_pod(const Pod& pod);
    /// Limits the link between the router and node-b, in both directions.
    void set_path_mtu(int bytes);

    /// Where pods of both nodes get their addresses from.
    static std::vector<std::string> pod_networks();
    /// The `number`-th address that no pod and no host ever has, for a vIP.
    static DualAddress vip(int number);

   private:
    void join(NodeId id);

    std::string prefix_;
    NodeSwitch node_switch_;
    Netns router_;
    std::array<Netns, 2> nodes_;
    std::array<std::unique_ptr<VSwitch>, 2> vswitches_;
    std::list<Pod> pods_;
    std::array<int, 2> next_pod_{1, 1};
    int next_netns_ = 1;
};

}  // namespace directfaas::support
