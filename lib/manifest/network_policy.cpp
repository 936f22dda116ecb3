// SPDX-License-Identifier: Apache-2.0
// NetworkPolicy (networking.k8s.io/v1): only which pods it selects. Its rules are the CNI's
// business.
#include <fmt/format.h>

#include "lib/manifest/kinds.h"

namespace directfaas::manifest {
namespace {

using Operator = model::LabelRequirement::Operator;

constexpr std::size_t kMaxRequirements = 100;
constexpr std::size_t kMaxValues = 1000;
constexpr std::array<Choice<Operator>, 4> kOperators{{{"In", Operator::kIn},
                                                      {"NotIn", Operator::kNotIn},
                                                      {"Exists", Operator::kExists},
                                                      {"DoesNotExist", Operator::kDoesNotExist}}};

void decode_values(const Node& item, model::LabelRequirement& requirement, Report& report) {
    const Node* list = list_member(item, "values", kMaxValues, report);
    for (const Node* value = list == nullptr ? nullptr : list->first; value != nullptr;
         value = value->next) {
        if (const auto text = as_text(*value, report)) {
            requirement.values.emplace(*text);
        }
    }
    const bool needed = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
    if (needed != (list != nullptr && list->size > 0)) {
        report.error(item.line,
                     fmt::format("{} {}", report.path(item, "values"),
                                 needed ? "is missing" : "must not be given with this operator"),
                     "In and NotIn need values, Exists and DoesNotExist take none");
    }
}

void decode_requirement(const Node& item, model::NetworkPolicy& policy, Report& report) {
    if (item.kind != NodeKind::kMap) {
        wrong_type(item, "a map", report);
        return;
    }
    const Node* op = item.find("operator");
    const auto key = text_member(item, "key", report);
    if (!key || op == nullptr) {
        missing(item, op == nullptr ? "operator" : "key", "Each expression needs key and operator",
                report);
        return;
    }
    const auto known = as_choice(*op, kOperators, report);
    if (!known) {
        return;
    }
    model::LabelRequirement requirement{.key = std::string(*key), .op = *known, .values = {}};
    decode_values(item, requirement, report);
    policy.match_expressions.push_back(std::move(requirement));
}

}  // namespace

std::optional<model::Object> decode_network_policy(const Node& root, Report& report) {
    const auto before = report.errors();
    model::NetworkPolicy policy;
    policy.where = report.at(root.line);
    policy.name = decode_name(root, report);
    const Node* spec = map_member(root, "spec", report);
    const Node* selector = spec == nullptr ? nullptr : map_member(*spec, "podSelector", report);
    if (selector != nullptr) {
        policy.match_labels = labels_member(*selector, "matchLabels", report);
        const Node* list = list_member(*selector, "matchExpressions", kMaxRequirements, report);
        for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
             item = item->next) {
            decode_requirement(*item, policy, report);
        }
    }
    return report.errors() > before ? std::nullopt : std::optional<model::Object>(policy);
}

}  // namespace directfaas::manifest
