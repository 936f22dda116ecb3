// SPDX-License-Identifier: Apache-2.0
// FunctionChain (directfaas.io/v1alpha1). Unlike for the kinds of Kubernetes, an unknown field is
// an error: a chain that says less than its author thinks would be a security hole.
#include <fmt/format.h>

#include <algorithm>

#include "lib/manifest/chain_function.h"
#include "lib/manifest/kinds.h"

namespace directfaas::manifest {
namespace {

constexpr std::size_t kMaxFunctions = 64;
constexpr std::size_t kMaxEdges = 256;
constexpr std::size_t kMaxEntries = 64;

constexpr auto kRootFields =
    std::to_array<std::string_view>({"apiVersion", "kind", "metadata", "spec", "status"});
constexpr auto kMetadataFields = std::to_array<std::string_view>(
    {"name", "namespace", "labels", "annotations", "uid", "resourceVersion", "generation",
     "creationTimestamp", "managedFields", "ownerReferences", "finalizers", "selfLink",
     "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"});
constexpr auto kSpecFields =
    std::to_array<std::string_view>({"functions", "edges", "entries", "enforcement", "fastPath"});
constexpr auto kEdgeFields = std::to_array<std::string_view>({"from", "to"});
constexpr auto kEntryFields = std::to_array<std::string_view>({"name", "selector"});
constexpr auto kSelectorFields =
    std::to_array<std::string_view>({"matchLabels", "matchExpressions"});

constexpr std::array<Choice<bool>, 2> kFastPaths{{{"auto", true}, {"off", false}}};
constexpr std::array<Choice<model::Enforcement>, 3> kEnforcements{
    {{"Enforce", model::Enforcement::kEnforce},
     {"Audit", model::Enforcement::kAudit},
     {"Disabled", model::Enforcement::kDisabled}}};

template <typename Decode>
void each_item(const Node& spec, std::string_view key, std::size_t limit, Report& report,
               Decode decode) {
    const Node* list = list_member(spec, key, limit, report);
    for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
         item = item->next) {
        decode(*item);
    }
}

model::ChainEdge decode_edge(const Node& item, Report& report) {
    model::ChainEdge edge;
    edge.where = report.at(item.line);
    if (expect_map(item, report)) {
        refuse_unknown(item, kEdgeFields, report);
        edge.from = required_label(item, "from", report);
        edge.to = required_label(item, "to", report);
    }
    return edge;
}

void decode_selector(const Node& item, model::ChainEntry& entry, Report& report) {
    const Node* selector = map_member(item, "selector", report);
    if (selector == nullptr) {
        if (item.find("selector") == nullptr) {
            missing(item, "selector", "Add \"selector: {matchLabels: {app: ...}}\"", report);
        }
        return;
    }
    refuse_unknown(*selector, kSelectorFields, report);
    refuse_to_come(*selector, "matchExpressions", "Use matchLabels", report);
    entry.selector = labels_member(*selector, "matchLabels", report);
}

model::ChainEntry decode_entry(const Node& item, Report& report) {
    model::ChainEntry entry;
    entry.where = report.at(item.line);
    if (expect_map(item, report)) {
        refuse_unknown(item, kEntryFields, report);
        entry.name = required_label(item, "name", report);
        decode_selector(item, entry, report);
    }
    return entry;
}

/// YAML tools read an unquoted off as false, so a cluster would refuse it.
bool decode_fast_path(const Node& spec, Report& report) {
    const Node* value = spec.find("fastPath");
    if (value == nullptr) {
        return true;
    }
    if (value->kind == NodeKind::kScalar && value->text == "off" && !value->quoted) {
        report.warning(value->where(),
                       fmt::format("{} is an unquoted off, which Kubernetes tools read as false",
                                   report.path(*value)),
                       "Write fastPath: \"off\"");
        return false;
    }
    return as_choice(*value, kFastPaths, report).value_or(true);
}

/// Fields of a function are easily written one level too high.
void refuse_unknown_in_spec(const Node& spec, Report& report) {
    std::vector<std::string_view> known(kSpecFields.begin(), kSpecFields.end());
    for (const Node* member = spec.first; member != nullptr; member = member->next) {
        if (std::ranges::find(chain_function_fields(), member->key) !=
            chain_function_fields().end()) {
            report.error(member->where(),
                         fmt::format("{} is not a known field", report.path(*member)),
                         "It belongs to an entry of spec.functions");
            known.push_back(member->key);
        }
    }
    refuse_unknown(spec, known, report);
}

void decode_spec(const Node& spec, model::FunctionChain& chain, Report& report) {
    refuse_unknown_in_spec(spec, report);
    chain.fast_path = decode_fast_path(spec, report);
    if (const Node* enforcement = spec.find("enforcement"); enforcement != nullptr) {
        chain.enforcement =
            as_choice(*enforcement, kEnforcements, report).value_or(model::Enforcement::kEnforce);
    }
    each_item(spec, "functions", kMaxFunctions, report, [&](const Node& item) {
        chain.functions.push_back(decode_chain_function(item, report));
    });
    each_item(spec, "edges", kMaxEdges, report,
              [&](const Node& item) { chain.edges.push_back(decode_edge(item, report)); });
    each_item(spec, "entries", kMaxEntries, report,
              [&](const Node& item) { chain.entries.push_back(decode_entry(item, report)); });
}

}  // namespace

std::optional<model::Object> decode_function_chain(const Node& root, Report& report) {
    const auto before = report.errors();
    model::FunctionChain chain;
    chain.where = report.at(root.line);
    refuse_unknown(root, kRootFields, report);
    chain.name = decode_name(root, report);
    if (const Node* metadata = root.find("metadata");
        metadata != nullptr && metadata->kind == NodeKind::kMap) {
        refuse_unknown(*metadata, kMetadataFields, report);
    }
    if (const Node* spec = map_member(root, "spec", report); spec != nullptr) {
        decode_spec(*spec, chain, report);
    } else if (root.find("spec") == nullptr) {
        missing(root, "spec", "Add \"spec:\" with functions and edges", report);
    }
    if (report.errors() > before) {
        return std::nullopt;
    }
    return chain;
}

}  // namespace directfaas::manifest
