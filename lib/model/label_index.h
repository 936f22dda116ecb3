// SPDX-License-Identifier: Apache-2.0
// Which selectors match a pod and which pods match a selector, without trying all pairs: a
// thousand functions and ten thousand pods would be ten million comparisons.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/model/objects.h"
#include "lib/model/rules.h"

namespace directfaas::model {

/// Every label of `selector` is among `labels` with the same value.
[[nodiscard]] bool selects(const Labels& selector, const Labels& labels);

/// Holds pointers only; what is added must stay in place until it is removed. Selectors match
/// within one namespace, and an empty one must not be added: it would select everything.
class LabelIndex {
   public:
    void add(const Pod& pod);
    void remove(const Pod& pod);
    void add(const Identity& owner, const Labels& selector);
    void remove(const Identity& owner, const Labels& selector);

    /// Owners of the selectors that match, least first.
    [[nodiscard]] std::vector<const Identity*> owners(const Pod& pod) const;
    /// In no particular order.
    [[nodiscard]] std::vector<const Pod*> pods(const std::string& ns, const Labels& selector) const;

   private:
    struct Selector {
        const Identity* owner;
        const Labels* labels;
    };
    /// All that has one label. A selector stands in the list of one of its labels only.
    struct Bucket {
        std::vector<const Pod*> pods;
        std::vector<Selector> selectors;
    };
    /// A hash of namespace, key and value: candidates are compared in full, so a collision costs
    /// time but is never wrong.
    using LabelHash = std::uint64_t;
    static LabelHash hash(const std::string& ns, const Labels::value_type& label);
    void drop_if_empty(LabelHash label);

    std::unordered_map<LabelHash, Bucket> buckets_;
};

}  // namespace directfaas::model
