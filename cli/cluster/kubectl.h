// SPDX-License-Identifier: Apache-2.0
// The agents of a cluster, found and asked through kubectl: its kubeconfig, its credentials, its
// rights. Nothing else is reached over the network.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "cli/cluster/children.h"
#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/options.h"

namespace directfaas::cli {

/// An agent's pod, or a node that has none.
struct AgentPod {
    std::string node;
    std::string pod;
    std::string socket;   // in the pod; empty: dfctl finds it
    std::string trouble;  // why it cannot be asked; empty: it runs
};

/// "kubectl" with the flags that choose the cluster, and `words`.
std::vector<std::string> kubectl(const ClusterOptions& options,
                                 const std::vector<std::string>& words);
/// The words that run `dfctl -o json` with `words` in an agent's pod. With `interactive` the
/// command there has our standard input, and may end with it.
std::vector<std::string> exec_words(const ClusterOptions& options, const AgentPod& pod,
                                    const std::vector<std::string>& words, bool interactive);

/// Runs one kubectl command; its standard output.
std::expected<std::string, Failure> run_kubectl(const ClusterOptions& options,
                                                const std::vector<std::string>& words);
/// The same for output in JSON.
std::expected<Json, Failure> read_kubectl(const ClusterOptions& options,
                                          const std::vector<std::string>& words);

/// The agents' pods, sorted by node, those of --node only if it is given (one that has no agent is
/// among them, with its trouble). None at all is a failure, whose `absent` is set.
std::expected<std::vector<AgentPod>, Failure> find_agents(const ClusterOptions& options);
/// The same from the answer to `kubectl get pods -o json`.
std::vector<AgentPod> agents_in(const Json& pods, const std::vector<std::string>& nodes);

/// What kubectl, or dfctl in the pod, printed, as an answer or as a failure.
std::expected<Json, Failure> answer_of(const Ran& ran, std::chrono::milliseconds limit);

struct NodeAnswer {
    AgentPod agent;
    std::expected<Json, Failure> answer;
};

/// Asks each of `agents`; those in trouble are not asked, their trouble is the failure.
std::vector<NodeAnswer> ask_agents(const ClusterOptions& options,
                                   const std::vector<AgentPod>& agents,
                                   const std::vector<std::string>& words);

}  // namespace directfaas::cli
