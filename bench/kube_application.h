// SPDX-License-Identifier: Apache-2.0
// The application whose changes are measured, as objects of a real kube-apiserver, and an agent
// that follows them with the rights of deploy/install.yaml. No kubelet: nodes and pods are objects,
// and the callers' veths are made here.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/application_objects.h"
#include "test/kube/apiserver.h"
#include "test/support/agent_process.h"

namespace directfaas::bench {

/// What to send to change an object.
struct Patch {
    std::string path;
    std::string body;
};

/// Only in a private world (bench/private_world.h): it stops the agent, but leaves its kernel state
/// to that. Apiserver, agent and the thread that makes it are in one network namespace from then
/// on.
class KubeApplication {
   public:
    /// With an apiserver that has no objects of the application yet. The agent is not started.
    KubeApplication();
    KubeApplication(const KubeApplication&) = delete;
    KubeApplication& operator=(const KubeApplication&) = delete;
    ~KubeApplication();

    [[nodiscard]] const support::Netns& node() const { return *node_; }
    [[nodiscard]] support::AgentProcess& agent() { return *agent_; }
    [[nodiscard]] const test::Apiserver& server() const { return *server_; }

    /// Creates all objects, by several connections at once. Throws SupportError.
    void create() const;
    /// Whether every vIP has all its instances and every caller is attached and may call.
    [[nodiscard]] bool all_in_force() const;

    [[nodiscard]] const NamespaceState& state(unsigned ns) const { return states_[ns]; }
    /// To give or take the edge f0 → f5, or the last instance of f5; state() has it then.
    Patch next_edge(unsigned ns);
    Patch next_instances(unsigned ns);

    /// Requests of the agent so far, as the apiserver's audit log has them; a watch is one.
    [[nodiscard]] std::size_t requests() const;

   private:
    void create_namespace(kube::Client& client, unsigned ns) const;

    std::optional<support::Netns> node_;
    std::vector<NamespaceState> states_;
    std::string audit_;
    std::optional<test::Apiserver> server_;
    std::optional<support::AgentProcess> agent_;
};

}  // namespace directfaas::bench
