// SPDX-License-Identifier: Apache-2.0
// Label selectors, as the Kubernetes API defines them (meta/v1 LabelSelector).
#include <algorithm>

#include "lib/model/objects.h"

namespace directfaas::model {
namespace {

bool holds(const LabelRequirement& requirement, const Labels& labels) {
    using Operator = LabelRequirement::Operator;
    const auto label = labels.find(requirement.key);
    const bool there = label != labels.end();
    switch (requirement.op) {
        case Operator::kIn:
            return there && requirement.values.contains(label->second);
        case Operator::kNotIn:  // also without the label
            return !there || !requirement.values.contains(label->second);
        case Operator::kExists:
            return there;
        case Operator::kDoesNotExist:
            return !there;
    }
    return true;
}

}  // namespace

bool NetworkPolicy::selects(const Labels& labels) const {
    const auto wanted = [&](const auto& pair) {
        const auto label = labels.find(pair.first);
        return label != labels.end() && label->second == pair.second;
    };
    return std::ranges::all_of(match_labels, wanted) &&
           std::ranges::all_of(match_expressions, [&](const LabelRequirement& requirement) {
               return holds(requirement, labels);
           });
}

}  // namespace directfaas::model
