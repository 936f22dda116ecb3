// SPDX-License-Identifier: Apache-2.0
// A small world for one test: a chain, its functions' instances as pods with real servers, the
// manifests that describe them, and an agent on each node that is in use.
#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/support/agent_process.h"
#include "test/support/manifests.h"
#include "test/support/servers.h"
#include "test/support/socket.h"
#include "test/support/topology.h"

namespace directfaas::support {

/// Where the callee is: callers are always on node-a.
enum class Placement : std::uint8_t { kOneNode, kTwoNodes };

struct Setup {
    Family family = Family::kV4;
    Placement placement = Placement::kOneNode;
    std::string attach = "tcx";  // of the ebpf backend
    std::string backend = "ebpf";
    bool fast_path = true;  // of the ebpf backend, where both ends are on one node

    [[nodiscard]] bool ovs() const { return backend == "ovs"; }
    /// Open vSwitch with the datapath in userspace, which can less than the kernel's.
    [[nodiscard]] bool userspace() const { return ovs() && attach == "netdev"; }

    /// "v4_one_node_tcx_ebpf", "v4_one_node_tcx_stack_ebpf", "v6_two_nodes_netdev_ovs"
    [[nodiscard]] std::string text() const;
};

/// One instance of a function: a pod that serves every port of the function.
struct Instance {
    std::string function;
    const Pod* pod = nullptr;
    InstanceState state = InstanceState::kReady;
    std::map<std::uint16_t, std::unique_ptr<LineServer>> tcp{};      // by target port
    std::map<std::uint16_t, std::unique_ptr<DatagramServer>> udp{};  // by target port

    /// Starts what is not started yet; servers answer with the pod's name.
    void listen(const FunctionSpec& spec);
    void stop_listening() {
        tcp.clear();
        udp.clear();
    }
    /// Connections accepted on all ports.
    [[nodiscard]] std::uint64_t accepted() const;
    [[nodiscard]] std::uint64_t datagrams() const;
};

/// A row of the `edges` answer, summed over the agents.
struct EdgeCount {
    std::uint64_t opened = 0;
    std::uint64_t open = 0;
    std::uint64_t closed_by_caller = 0;
    std::uint64_t closed_by_callee = 0;
    std::uint64_t reset = 0;
    std::uint64_t bytes_request = 0;
    std::uint64_t bytes_reply = 0;
};

class Cluster {
   public:
    explicit Cluster(const Setup& setup);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    [[nodiscard]] const Setup& setup() const { return setup_; }
    [[nodiscard]] Family family() const { return setup_.family; }
    /// The node callees are on.
    [[nodiscard]] NodeId far() const {
        return setup_.placement == Placement::kOneNode ? NodeId::kA : NodeId::kB;
    }
    Topology& topology() { return topology_; }
    ChainSpec& chain() { return chain_; }

    /// Declares a function (and its Service with a vIP of its own).
    void add_function(const FunctionSpec& spec);
    /// Declares that `from` calls each of `callees`.
    void add_edges(const std::string& from, const std::vector<std::string>& callees);
    /// Adds a pod that serves. The reference stays valid until remove_instance().
    Instance& add_instance(const std::string& function, NodeId node, bool listening = true,
                           const PodOptions& options = {});
    /// Deletes the pod at once, as a crash would.
    void remove_instance(Instance& instance);
    /// Adds a pod of an entry of this name.
    const Pod& add_entry(const std::string& entry, NodeId node);
    /// Adds a pod that no manifest mentions.
    const Pod& add_outsider(NodeId node);

    [[nodiscard]] SocketAddress vip(const std::string& function, std::size_t port = 0) const;
    [[nodiscard]] const DualAddress& vip_addresses(const std::string& function) const {
        return vips_.at(function);
    }
    /// The instance's own address with the target port.
    [[nodiscard]] SocketAddress direct(const Instance& instance, std::size_t port = 0) const;
    [[nodiscard]] const FunctionSpec& spec(const std::string& function) const {
        return chain_.functions.at(function);
    }

    /// Objects besides the chain and what it needs; write them with sync().
    std::vector<Json>& other_objects() { return other_objects_; }

    /// Writes the manifests for one node's agent or, by default, all.
    void publish();
    void publish(NodeId node);
    /// Writes manifests and waits until every running agent's switch follows them.
    void sync();
    void sync(NodeId node);
    /// Starts the agents of the nodes in use and waits until they follow the manifests.
    void start();
    AgentProcess& agent(NodeId node) { return *agents_[static_cast<int>(node)]; }
    /// The nodes that have an agent in this setup.
    [[nodiscard]] std::vector<NodeId> nodes() const;

    /// Names as in `edges`: "productpage", "gateway (entry)", "outside".
    [[nodiscard]] EdgeCount edge(const std::string& from, const std::string& to) const;
    [[nodiscard]] std::uint64_t denied(const std::string& from, const std::string& to) const;
    /// Packets by reason since the agents' start, summed over hooks and agents, zeros left out.
    [[nodiscard]] std::map<std::string, std::uint64_t> reasons() const;
    [[nodiscard]] std::uint64_t reason(const std::string& name) const;

    /// What packets met in Open vSwitch, for a failure's report; empty for eBPF.
    [[nodiscard]] std::string switch_state();
    /// The running agents' logs, for a failure's report.
    [[nodiscard]] std::string logs() const;

   private:
    [[nodiscard]] Json pod_document(const Pod& pod,
                                    const std::map<std::string, std::string>& labels) const;
    [[nodiscard]] std::vector<Json> function_documents(const FunctionSpec& spec) const;
    [[nodiscard]] std::string identity_text(const std::string& name) const;
    [[nodiscard]] bool follows(NodeId node) const;
    [[nodiscard]] std::map<std::string, unsigned> expected_attachments(NodeId node) const;

    Setup setup_;
    Topology topology_;
    ChainSpec chain_;
    std::map<std::string, DualAddress> vips_;
    std::list<Instance> instances_;
    std::vector<std::pair<std::string, const Pod*>> entries_;
    int next_name_ = 1;
    int barrier_ = 0;
    std::vector<Json> other_objects_;
    std::array<std::unique_ptr<ManifestDir>, 2> manifests_;
    std::array<std::unique_ptr<AgentProcess>, 2> agents_;
};

}  // namespace directfaas::support
