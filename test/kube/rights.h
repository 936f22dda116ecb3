// SPDX-License-Identifier: Apache-2.0
// What a user applies (deploy/install.yaml, the chart rendered), and tokens as the pods of it have
// them. What a kubelet would run of it is not run.
#pragma once

#include <string>
#include <vector>

#include "test/kube/apiserver.h"

namespace directfaas::test {

inline constexpr const char* kAgentNamespace = "directfaas-system";
/// Account of the agents' pods, which are called "agent-" and the node.
inline constexpr const char* kAgentAccount = "directfaas-agent";

/// Applies it and makes `nodes`, each with an agent's pod. The CRDs must be there.
void install(const Apiserver& server, const std::vector<std::string>& nodes);

/// A token of a ServiceAccount of kAgentNamespace; bound to the pod, as the kubelet gets it, if one
/// is named.
std::string account_token(const Apiserver& server, const std::string& account,
                          const std::string& pod = "");

}  // namespace directfaas::test
