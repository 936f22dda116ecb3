// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube_entries.h"

#include <fmt/format.h>

namespace directfaas::source {
namespace {

std::string selector_text(const model::Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) {
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
    }
    return text;
}

}  // namespace

void KubeEntries::take(const kube::Change<kube::ModelObject>& chain) {
    if (chain.object && chain.object->wrong) {
        return;
    }
    selectors_.erase(chain.key);
    if (!chain.object) {
        return;
    }
    for (const auto& object : chain.object->objects) {
        for (const auto& entry : std::get<model::FunctionChain>(object).entries) {
            if (!entry.selector.empty()) {
                selectors_[chain.key].push_back(entry.selector);
            }
        }
    }
}

std::set<kube::Resource> KubeEntries::resources() const {
    const auto elsewhere = "spec.nodeName!=" + node_name_;
    std::set<kube::Resource> wanted;
    for (const auto& [chain, selectors] : selectors_) {
        for (const auto& selector : selectors) {
            auto resource = resource_of(kube::Kind::kPod, chain.ns);
            resource.label_selector = selector_text(selector);
            resource.field_selector = elsewhere;
            wanted.insert(std::move(resource));
        }
    }
    if (wanted.size() > max_resources_) {
        auto all = resource_of(kube::Kind::kPod);
        all.field_selector = elsewhere;
        return {std::move(all)};
    }
    return wanted;
}

}  // namespace directfaas::source
