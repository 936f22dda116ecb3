// SPDX-License-Identifier: Apache-2.0
// Which pods of other nodes have to be known: those of entries. An entry has no Service, so that
// no EndpointSlice tells the callee's node whose the caller's address is.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/model_objects.h"
#include "lib/kube/store.h"

namespace directfaas::source {

class KubeEntries {
   public:
    KubeEntries(std::string node_name, std::size_t max_resources)
        : node_name_(std::move(node_name)), max_resources_(max_resources) {}

    /// A chain has changed. One that is wrong keeps its earlier entries.
    void take(const kube::Change<kube::ModelObject>& chain);

    /// What to watch, this node's pods excluded.
    [[nodiscard]] std::set<kube::Resource> resources() const;

   private:
    std::string node_name_;
    std::size_t max_resources_;
    std::map<kube::ObjectKey, std::vector<model::Labels>> selectors_;  // by chain
};

}  // namespace directfaas::source
