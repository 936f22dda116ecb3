// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas`: the commands of dfctl over all nodes of a cluster.
#pragma once

#include <vector>

#include "cli/cluster/kubectl.h"
#include "cli/cluster/merge.h"
#include "cli/session.h"

namespace directfaas::cli {

/// One command's answers of all nodes, and what is told about those that gave none.
class Asked {
   public:
    Asked(Session& session, std::vector<NodeAnswer> answers)
        : session_(session), answers_(std::move(answers)) {}

    [[nodiscard]] const std::vector<NodeAnswer>& all() const { return answers_; }
    /// Those that answered.
    [[nodiscard]] std::vector<FromNode> answered() const;
    /// [{node, pod, error, advice?, code?}] of the others.
    [[nodiscard]] Json failed() const;
    /// {nodes: [{node, pod, ...answer}], failed}.
    [[nodiscard]] Json by_node() const;
    /// `merged` with the names of those that answered, and `failed`.
    [[nodiscard]] Json with_nodes(Json merged) const;

    /// Names those that gave no answer on standard error.
    void tell_failures();
    /// tell_failures(), and the exit status: `exit` if all answered, kExitPartly if some did,
    /// kExitNoAgent if none.
    int end(ExitCode exit);

   private:
    Session& session_;
    std::vector<NodeAnswer> answers_;
};

/// Finds the agents and asks each with `words`; a failure if there are none to ask.
std::expected<Asked, Failure> ask_cluster(Session& session, const std::vector<std::string>& words);

/// Runs one command over the cluster and returns the exit status.
int run_on_cluster(Session& session);

int cluster_status(Session& session);
int cluster_check(const CheckCommand& command, Session& session);
int cluster_explain(const ExplainCommand& command, Session& session);
int cluster_observe(const ObserveCommand& command, Session& session);
int cluster_top(const TopCommand& command, Session& session);
int cluster_sysdump(const SysdumpCommand& command, Session& session);

/// What the apiserver says about whether DirectFaaS can run: {checks[]} as an agent's `check`.
Json cluster_checks(const ClusterOptions& options);

std::string render_cluster_status(const Asked& asked, const Style& style);
std::string render_cluster_check(const Json& cluster, const Asked* asked, const Style& style);

}  // namespace directfaas::cli
