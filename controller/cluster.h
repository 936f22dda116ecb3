// SPDX-License-Identifier: Apache-2.0
// What the controller knows of the cluster, and the status of each chain that follows from it. It
// judges chains by the code that the agents judge them by; no I/O, no clock.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/chain_object.h"
#include "lib/kube/node_state.h"
#include "lib/kube/origins.h"
#include "lib/model/model.h"

namespace directfaas::controller {

/// An EndpointSlice, with the nodes that its endpoints are on.
struct SliceObject {
    kube::ModelObject model;
    std::string service;
    std::set<std::string> nodes;
};
SliceObject read_slice(const kube::RawObject& raw);

/// A pod that may be an entry's.
struct PodPlace {
    model::Labels labels;
    std::string node;  // empty: on none yet, or ended
};
PodPlace read_pod_place(const kube::RawObject& raw);

class Cluster {
   public:
    Cluster();

    // The newest state of an object; nothing: it is gone.
    void put_chain(const kube::ObjectKey& key, std::optional<ChainObject> chain);
    void put_service(const kube::ObjectKey& key, std::optional<kube::ModelObject> service);
    void put_slice(const kube::ObjectKey& key, std::optional<SliceObject> slice);
    void put_pod(const kube::ObjectKey& key, std::optional<PodPlace> pod);
    void put_node(const std::string& node, std::optional<kube::NodeState> state);

    /// Judges what has changed.
    void settle() { origins_.settle(); }

    /// A chain whose status in the apiserver is not what it should be.
    struct Due {
        kube::ObjectKey key;
        std::string uid;
        ChainStatus before;
        ChainStatus now;
    };
    /// `now`: RFC 3339, for conditions that change.
    [[nodiscard]] std::vector<Due> due(const std::string& now);

    struct Figures {
        std::size_t chains = 0;
        std::size_t accepted = 0;
        std::size_t resolved = 0;
        std::size_t programmed = 0;
        std::size_t nodes = 0;
        std::size_t nodes_ready = 0;
    };
    /// As of the last due().
    [[nodiscard]] const Figures& figures() const { return figures_; }

   private:
    /// What a node says of one chain.
    struct Told {
        std::string uid;
        std::int64_t generation = 0;
    };
    struct Node {
        kube::NodeState state;
        std::unordered_map<std::string, Told> chains;  // by "namespace/name"
    };
    /// Of one round of due().
    struct Round {
        std::string now;
        std::map<std::string, std::vector<model::Problem>> warnings;  // by what they are about
        std::map<model::ObjectName, std::string> vips;                // by function
    };

    void note_accepted();
    [[nodiscard]] Round begin_round(const std::string& now) const;
    [[nodiscard]] ChainStatus status_of(const kube::ObjectKey& key, const ChainObject& chain,
                                        const Round& round) const;
    [[nodiscard]] Condition accepted(const kube::ObjectKey& key, const ChainObject& chain) const;
    [[nodiscard]] Condition resolved(const kube::ObjectKey& key, const Round& round) const;
    [[nodiscard]] Condition programmed(const kube::ObjectKey& key, const ChainObject& chain,
                                       ChainStatus& status) const;
    [[nodiscard]] std::string why_not(const std::string& node, const kube::ObjectKey& key,
                                      const ChainObject& chain) const;
    [[nodiscard]] std::set<std::string> nodes_of(const kube::ObjectKey& key,
                                                 const model::FunctionChain& chain) const;
    [[nodiscard]] const kube::InForce* in_force(const kube::ObjectKey& key) const;
    void count(const ChainStatus& status);

    model::Model model_;
    kube::Origins origins_;
    std::map<kube::ObjectKey, ChainObject> chains_;
    std::map<kube::ObjectKey, AcceptedState> accepted_;  // by chain, as this process saw it
    /// By namespace and Service: the nodes of each slice.
    std::map<kube::ObjectKey, std::map<std::string, std::set<std::string>>> slices_;
    std::map<kube::ObjectKey, kube::ObjectKey> service_of_slice_;
    std::map<std::string, std::map<std::string, PodPlace>> pods_;  // by namespace and name
    std::map<std::string, Node> nodes_;
    Figures figures_;
};

}  // namespace directfaas::controller
