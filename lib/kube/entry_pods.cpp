// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/entry_pods.h"

#include <fmt/format.h>

namespace directfaas::kube {
namespace {

std::string selector_text(const model::Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) {
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
    }
    return text;
}

}  // namespace

void EntryPods::take(const Change<ModelObject>& chain) {
    if (chain.object && chain.object->wrong && selectors_.contains(chain.key)) {
        return;
    }
    selectors_.erase(chain.key);
    if (!chain.object) {
        return;
    }
    // Also those of the state that may have to do while the newest is refused.
    auto states = chain.object->objects;
    states.insert(states.end(), chain.object->last_accepted.begin(),
                  chain.object->last_accepted.end());
    for (const auto& object : states) {
        for (const auto& entry : std::get<model::FunctionChain>(object).entries) {
            if (!entry.selector.empty()) {
                selectors_[chain.key].push_back(entry.selector);
            }
        }
    }
}

std::set<Resource> EntryPods::resources() const {
    const std::string elsewhere = node_name_.empty() ? "" : "spec.nodeName!=" + node_name_;
    std::set<Resource> wanted;
    for (const auto& [chain, selectors] : selectors_) {
        for (const auto& selector : selectors) {
            auto resource = resource_of(Kind::kPod, chain.ns);
            resource.label_selector = selector_text(selector);
            resource.field_selector = elsewhere;
            wanted.insert(std::move(resource));
        }
    }
    if (wanted.size() > max_resources_) {
        auto all = resource_of(Kind::kPod);
        all.field_selector = elsewhere;
        return {std::move(all)};
    }
    return wanted;
}

}  // namespace directfaas::kube
