// SPDX-License-Identifier: Apache-2.0
// Pods that several watches show: this node's, and for each entry of a chain the other nodes' with
// its labels. A pod may be in two of them, and may leave one before or after it comes into another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/kube/model_objects.h"

namespace directfaas::source {

class KubePods {
   public:
    using WatchId = std::uint64_t;

    /// A watch shows this state of a pod.
    void put(WatchId watch, const kube::ObjectKey& key, kube::ModelObject pod);
    /// It shows the pod no more.
    void remove(WatchId watch, const kube::ObjectKey& key);
    /// The watch has ended; returns the pods that it showed.
    std::vector<kube::ObjectKey> remove(WatchId watch);

    /// The state that came last of those still shown; nothing: no watch shows the pod.
    [[nodiscard]] std::optional<kube::ModelObject> shown(const kube::ObjectKey& key) const;

   private:
    std::map<kube::ObjectKey, std::vector<std::pair<WatchId, kube::ModelObject>>> pods_;
};

}  // namespace directfaas::source
