// SPDX-License-Identifier: Apache-2.0
// Which pods have to be known that no EndpointSlice tells of: those of entries, which have no
// Service.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/model_objects.h"
#include "lib/kube/store.h"

namespace directfaas::kube {

class EntryPods {
   public:
    /// An agent's own pods, those of `node_name`, are watched anyway; the controller has no node.
    EntryPods(std::string node_name, std::size_t max_resources)
        : node_name_(std::move(node_name)), max_resources_(max_resources) {}

    /// A chain has changed. One that is wrong keeps its earlier entries.
    void take(const Change<ModelObject>& chain);

    /// What to watch, this node's pods excluded.
    [[nodiscard]] std::set<Resource> resources() const;

   private:
    std::string node_name_;
    std::size_t max_resources_;
    std::map<ObjectKey, std::vector<model::Labels>> selectors_;  // by chain
};

}  // namespace directfaas::kube
