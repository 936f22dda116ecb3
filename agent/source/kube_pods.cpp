// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube_pods.h"

#include <algorithm>

namespace directfaas::source {

void KubePods::put(WatchId watch, const kube::ObjectKey& key, kube::ModelObject pod) {
    auto& states = pods_[key];
    std::erase_if(states, [watch](const auto& state) { return state.first == watch; });
    states.emplace_back(watch, std::move(pod));
}

void KubePods::remove(WatchId watch, const kube::ObjectKey& key) {
    const auto found = pods_.find(key);
    if (found == pods_.end()) {
        return;
    }
    std::erase_if(found->second, [watch](const auto& state) { return state.first == watch; });
    if (found->second.empty()) {
        pods_.erase(found);
    }
}

std::vector<kube::ObjectKey> KubePods::remove(WatchId watch) {
    std::vector<kube::ObjectKey> keys;
    for (const auto& [key, states] : pods_) {
        if (std::ranges::any_of(states,
                                [watch](const auto& state) { return state.first == watch; })) {
            keys.push_back(key);
        }
    }
    for (const auto& key : keys) {
        remove(watch, key);
    }
    return keys;
}

std::optional<kube::ModelObject> KubePods::shown(const kube::ObjectKey& key) const {
    const auto found = pods_.find(key);
    return found == pods_.end() ? std::nullopt : std::optional(found->second.back().second);
}

}  // namespace directfaas::source
