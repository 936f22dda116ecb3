// SPDX-License-Identifier: Apache-2.0
// What the controller is told of this node.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "agent/wiring.h"

namespace directfaas {

/// A chain that the model has taken is in force in the switch, too, unless the synchronizer says
/// that something is not; then what was told last still stands. Before the start nothing is told,
/// for the rules of an earlier agent are in force.
void Agent::publish_node_state() {
    if (!node_state_ || !sync_->status().started) {
        return;
    }
    sync_->flush();
    kube::NodeState state;
    state.version = DF_VERSION;
    state.backend = options_.backend == BackendKind::kEbpf ? "ebpf" : "ovs";
    state.ready = not_ready().empty();
    state.attached_pods = model().rules().attachments.size();
    state.unattached_pods = unattached().size();
    for (const auto& problem : problems()) {
        ++state.problem_count;
        if (state.problems.size() < kube::NodeState::kMaxProblems) {
            state.problems.push_back({problem.object,
                                      problem.severity == model::Problem::Severity::kError,
                                      problem.message});
        }
    }
    if (sync_->status().in_sync) {
        // A chain speaks of pods of its namespace only.
        std::set<std::string> here;
        for (const auto& pod : model().local_pods()) {
            here.insert(pod.name.ns);
        }
        for (auto& chain : source_->chains()) {
            if (here.contains(chain.name.ns)) {
                state.chains.push_back(
                    {chain.name.ns, chain.name.name, std::move(chain.uid), chain.generation});
            }
        }
        std::ranges::sort(state.chains);
    } else if (last_node_state_) {
        state.chains = last_node_state_->chains;
    }
    last_node_state_ = state;
    node_state_->publish(std::move(state));
}

}  // namespace directfaas
