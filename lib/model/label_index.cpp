// SPDX-License-Identifier: Apache-2.0
#include "lib/model/label_index.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace directfaas::model {
namespace {

template <typename T>
void swap_out(std::vector<T>& items, typename std::vector<T>::iterator item) {
    *item = items.back();
    items.pop_back();
}

}  // namespace

bool selects(const Labels& selector, const Labels& labels) {
    return std::ranges::all_of(selector, [&](const auto& wanted) {
        const auto found = labels.find(wanted.first);
        return found != labels.end() && found->second == wanted.second;
    });
}

LabelIndex::LabelHash LabelIndex::hash(const std::string& ns, const Labels::value_type& label) {
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
    const std::hash<std::string> text;
    return (text(ns) * kSpread + text(label.first)) * kSpread + text(label.second);
}

void LabelIndex::drop_if_empty(LabelHash label) {
    const auto found = buckets_.find(label);
    if (found->second.pods.empty() && found->second.selectors.empty()) {
        buckets_.erase(found);
    }
}

void LabelIndex::add(const Pod& pod) {
    for (const auto& label : pod.labels) {
        buckets_[hash(pod.name.ns, label)].pods.push_back(&pod);
    }
}

void LabelIndex::remove(const Pod& pod) {
    for (const auto& label : pod.labels) {
        const auto key = hash(pod.name.ns, label);
        auto& pods = buckets_[key].pods;
        swap_out(pods, std::ranges::find(pods, &pod));
        drop_if_empty(key);
    }
}

void LabelIndex::add(const Identity& owner, const Labels& selector) {
    // The least used label: one that all functions share would make every pod compare with all.
    Bucket* best = nullptr;
    for (const auto& label : selector) {
        auto& bucket = buckets_[hash(owner.name.ns, label)];
        if (best == nullptr || bucket.selectors.size() < best->selectors.size()) {
            best = &bucket;
        }
    }
    if (best != nullptr) {
        best->selectors.push_back({&owner, &selector});
    }
}

void LabelIndex::remove(const Identity& owner, const Labels& selector) {
    for (const auto& label : selector) {
        const auto key = hash(owner.name.ns, label);
        const auto bucket = buckets_.find(key);
        if (bucket == buckets_.end()) {
            continue;
        }
        auto& selectors = bucket->second.selectors;
        const auto found = std::ranges::find(selectors, &owner, &Selector::owner);
        if (found != selectors.end()) {
            swap_out(selectors, found);
        }
        drop_if_empty(key);
    }
}

std::vector<const Identity*> LabelIndex::owners(const Pod& pod) const {
    std::vector<const Identity*> found;
    for (const auto& label : pod.labels) {
        const auto bucket = buckets_.find(hash(pod.name.ns, label));
        if (bucket == buckets_.end()) {
            continue;
        }
        for (const auto& candidate : bucket->second.selectors) {
            if (candidate.owner->name.ns == pod.name.ns && selects(*candidate.labels, pod.labels)) {
                found.push_back(candidate.owner);
            }
        }
    }
    std::ranges::sort(found, [](const auto* a, const auto* b) { return *a < *b; });
    // A collision of hashes may lead to one bucket twice.
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::vector<const Pod*> LabelIndex::pods(const std::string& ns, const Labels& selector) const {
    const Bucket* least = nullptr;
    for (const auto& label : selector) {
        const auto bucket = buckets_.find(hash(ns, label));
        if (bucket == buckets_.end()) {
            return {};
        }
        if (least == nullptr || bucket->second.pods.size() < least->pods.size()) {
            least = &bucket->second;
        }
    }
    std::vector<const Pod*> found;
    if (least != nullptr) {
        std::ranges::copy_if(least->pods, std::back_inserter(found), [&](const Pod* pod) {
            return pod->name.ns == ns && selects(selector, pod->labels);
        });
    }
    return found;
}

}  // namespace directfaas::model
