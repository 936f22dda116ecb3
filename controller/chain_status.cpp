// SPDX-License-Identifier: Apache-2.0
// From what is known of the cluster to the status of its chains.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "controller/cluster.h"

namespace directfaas::controller {
namespace {

using Severity = model::Problem::Severity;
using Reasons = std::pair<std::string_view, const char*>;

constexpr std::size_t kMaxNamed = 5;          // nodes, problems
constexpr std::size_t kMaxMessage = 8 << 10;  // bytes

// A part of a problem's message, and the reason that a program may go by.
constexpr std::array<Reasons, 8> kRefusals{{{"closes the cycle", "CycleDetected"},
                                            {"begins and ends at the same", "CycleDetected"},
                                            {"of no chain of this namespace", "UnknownFunction"},
                                            {"which is an entry", "UnknownFunction"},
                                            {"listed twice", "Duplicate"},
                                            {"has another", "Conflict"},
                                            {"has the same Service", "Conflict"},
                                            {"vIP", "AddressConflict"}}};
constexpr std::array<Reasons, 7> kUnresolved{{{"there is no Service", "ServiceNotFound"},
                                              {"is headless", "HeadlessService"},
                                              {"has no selector", "ServiceWithoutSelector"},
                                              {"another proxy", "OtherProxy"},
                                              {"has no port", "PortNotFound"},
                                              {"none of the Service's ports", "PortNotFound"},
                                              {"exposure.from", "CallerNotFound"}}};

const char* reason_of(const std::vector<model::Problem>& problems, const auto& reasons,
                      const char* otherwise) {
    for (const auto& [part, reason] : reasons) {
        if (problems.front().message.contains(part)) {
            return reason;
        }
    }
    return otherwise;
}

std::string sentences(const std::vector<model::Problem>& problems) {
    std::string text;
    for (std::size_t i = 0; i < problems.size() && i < kMaxNamed; ++i) {
        text += fmt::format("{}{}. {}", text.empty() ? "" : "; ", problems[i].message,
                            problems[i].advice);
    }
    if (problems.size() > kMaxNamed) {
        text += fmt::format("; and {} more", problems.size() - kMaxNamed);
    }
    return text.substr(0, kMaxMessage);
}

std::string about(const kube::ObjectKey& key) {
    return kube::origin_of(kube::Kind::kFunctionChain, key);
}

const model::FunctionChain* declared(const ChainObject& chain) {
    const auto& objects =
        chain.model.objects.empty() ? chain.model.last_accepted : chain.model.objects;
    return objects.empty() ? nullptr : std::get_if<model::FunctionChain>(&objects.front());
}

/// A condition keeps the time of its last change of status.
void finish(Condition& condition, const char* type, std::int64_t generation,
            const ChainStatus& before, const std::string& now) {
    condition.type = type;
    condition.observed_generation = generation;
    const auto* old = before.condition(type);
    condition.last_transition =
        old != nullptr && old->status == condition.status && !old->last_transition.empty()
            ? old->last_transition
            : now;
}

Condition condition(const char* status, const char* reason, std::string message) {
    Condition made;
    made.status = status;
    made.reason = reason;
    made.message = std::move(message);
    return made;
}

}  // namespace

Cluster::Round Cluster::begin_round(const std::string& now) const {
    Round round{.now = now, .warnings = {}, .vips = {}};
    for (auto& warning : model_.warnings()) {
        round.warnings[warning.object].push_back(std::move(warning));
    }
    for (const auto& [key, route] : model_.rules().routes) {
        round.vips.try_emplace(route.function.name, key.vip.text());
    }
    return round;
}

std::vector<Cluster::Due> Cluster::due(const std::string& now) {
    note_accepted();
    const auto round = begin_round(now);
    figures_ = {.chains = chains_.size(), .nodes = nodes_.size()};
    for (const auto& [name, node] : nodes_) {
        figures_.nodes_ready += node.state.ready ? 1 : 0;
    }
    std::vector<Due> found;
    for (const auto& [key, chain] : chains_) {
        auto status = status_of(key, chain, round);
        count(status);
        if (status != chain.status) {
            found.push_back({key, chain.model.uid, chain.status, std::move(status)});
        }
    }
    return found;
}

void Cluster::count(const ChainStatus& status) {
    const auto is_true = [&](const char* type) {
        return status.condition(type)->status == "True" ? 1U : 0U;
    };
    figures_.accepted += is_true("Accepted");
    figures_.resolved += is_true("ResolvedRefs");
    figures_.programmed += is_true("Programmed");
}

ChainStatus Cluster::status_of(const kube::ObjectKey& key, const ChainObject& chain,
                               const Round& round) const {
    const auto generation = chain.model.generation;
    ChainStatus status;
    status.observed_generation = generation;
    if (const auto known = accepted_.find(key); known != accepted_.end()) {
        status.accepted = known->second;
    }
    if (const auto* what = declared(chain)) {
        status.function_count = static_cast<std::int64_t>(what->functions.size());
        status.edge_count = static_cast<std::int64_t>(what->edges.size());
        for (const auto& function : what->functions) {
            const auto vip = round.vips.find({key.ns, function.name});
            status.functions.emplace_back(function.name,
                                          vip == round.vips.end() ? "" : vip->second);
        }
    }
    auto is_accepted = accepted(key, chain);
    auto is_resolved = resolved(key, round);
    auto is_programmed = programmed(key, chain, status);
    finish(is_accepted, "Accepted", generation, chain.status, round.now);
    finish(is_programmed, "Programmed", generation, chain.status, round.now);
    finish(is_resolved, "ResolvedRefs", generation, chain.status, round.now);
    status.conditions = {std::move(is_accepted), std::move(is_programmed), std::move(is_resolved)};
    return status;
}

Condition Cluster::accepted(const kube::ObjectKey& key, const ChainObject& chain) const {
    const auto* standing = in_force(key);
    if (standing != nullptr && standing->uid == chain.model.uid &&
        standing->generation == chain.model.generation) {
        return condition("True", "Accepted", "the chain is in force");
    }
    auto problems = origins_.problems_of(about(key));
    std::erase_if(problems,
                  [](const auto& problem) { return problem.severity != Severity::kError; });
    if (problems.empty()) {
        return condition("Unknown", "Pending", "the chain was not judged yet");
    }
    const auto kept = standing == nullptr || standing->uid != chain.model.uid
                          ? std::string("nothing of the chain is in force")
                          : fmt::format("generation {} stays in force", standing->generation);
    return condition("False", reason_of(problems, kRefusals, "Invalid"),
                     fmt::format("{}; {}", sentences(problems), kept));
}

Condition Cluster::resolved(const kube::ObjectKey& key, const Round& round) const {
    if (in_force(key) == nullptr) {
        return condition("Unknown", "NotAccepted", "nothing of the chain is in force");
    }
    const auto found = round.warnings.find(about(key));
    if (found == round.warnings.end()) {
        return condition("True", "ResolvedRefs", "each function has a Service that can be called");
    }
    return condition("False", reason_of(found->second, kUnresolved, "NotResolved"),
                     sentences(found->second));
}

std::string Cluster::why_not(const std::string& node, const kube::ObjectKey& key,
                             const ChainObject& chain) const {
    const auto known = nodes_.find(node);
    if (known == nodes_.end()) {
        return fmt::format("{} (no agent has reported)", node);
    }
    for (const auto& problem : known->second.state.problems) {
        if (problem.error && problem.object == about(key)) {
            return fmt::format("{} ({})", node, problem.message);
        }
    }
    const auto told = known->second.chains.find(key.text());
    if (told == known->second.chains.end() || told->second.uid != chain.model.uid) {
        return fmt::format("{} (not yet)", node);
    }
    return fmt::format("{} (has generation {})", node, told->second.generation);
}

Condition Cluster::programmed(const kube::ObjectKey& key, const ChainObject& chain,
                              ChainStatus& status) const {
    const auto* what = declared(chain);
    const auto nodes = what == nullptr ? std::set<std::string>{} : nodes_of(key, *what);
    std::vector<std::string> missing;
    for (const auto& node : nodes) {
        const auto known = nodes_.find(node);
        const auto* told = known != nodes_.end() && known->second.chains.contains(key.text())
                               ? &known->second.chains.at(key.text())
                               : nullptr;
        if (told == nullptr || told->uid != chain.model.uid ||
            told->generation != chain.model.generation) {
            missing.push_back(node);
        }
    }
    status.nodes = fmt::format("{}/{}", nodes.size() - missing.size(), nodes.size());
    const auto* standing = in_force(key);
    if (standing == nullptr || standing->generation != chain.model.generation) {
        return condition("False", "NotAccepted", "this generation is not accepted");
    }
    if (missing.empty()) {
        return condition(
            "True", nodes.empty() ? "NoPods" : "Programmed",
            nodes.empty() ? "no node has a pod of the chain"
                          : fmt::format("on all {} nodes with a pod of the chain", nodes.size()));
    }
    std::vector<std::string> named;
    for (std::size_t i = 0; i < missing.size() && i < kMaxNamed; ++i) {
        named.push_back(why_not(missing[i], key, chain));
    }
    if (missing.size() > kMaxNamed) {
        named.push_back(fmt::format("and {} more", missing.size() - kMaxNamed));
    }
    return condition("False", "Pending",
                     fmt::format("waiting for {}", fmt::join(named, ", ")).substr(0, kMaxMessage));
}

}  // namespace directfaas::controller
