// SPDX-License-Identifier: Apache-2.0
// The real directfaas-agent as a child process in a simulated node's namespace.
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "test/support/command.h"
#include "test/support/metrics.h"
#include "test/support/netns.h"
#include "test/support/vswitch.h"

namespace directfaas::support {

/// What the systemd unit and the DaemonSet give the agent (docs/security.md).
inline constexpr Capabilities kAgentCapabilities =
    1ULL << CAP_BPF | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_RAW | 1ULL << CAP_PERFMON;

struct AgentOptions {
    std::string instance;
    std::string node_name;
    std::string manifests{};   // directory
    std::string kubeconfig{};  // follows this cluster then, no directory
    std::vector<std::string> pod_networks{};
    std::string attach = "auto";  // tcx, clsact
    bool fast_path = true;
    VSwitch* vswitch = nullptr;   // runs on --backend ovs then
    std::string deny = "refuse";  // or drop
    std::uint16_t http_port = 9464;
    std::string program{};            // instead of the one that was just built
    std::vector<std::string> more{};  // further arguments
    Capabilities capabilities = kAgentCapabilities;
};

class AgentProcess {
   public:
    /// Does not start it yet. `node` must outlive the object.
    AgentProcess(const Netns& node, AgentOptions options);
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;
    /// Kills the process if it runs and removes what the instance left in the kernel.
    ~AgentProcess();

    /// Starts it and waits until it says it is ready. Throws with its log if it is not.
    void start();
    /// Starts it and returns at once.
    void launch();
    void wait_ready();
    [[nodiscard]] bool running() const { return pid_ > 0; }
    /// SIGKILL, and waits for its end.
    void kill();
    /// SIGTERM, and returns its exit status.
    int terminate();
    /// Waits for it to end by itself and returns the exit status.
    int wait_exit();
    /// Runs `directfaas-agent --remove`. The process must not run. Returns its exit status.
    int remove();
    /// Whether anything of the instance is in the kernel (its pins in the bpf file system) or in
    /// the bridge (its flows).
    [[nodiscard]] bool left_something() const;

    /// One request on the control socket; throws when there is no answer or it says it failed.
    [[nodiscard]] nlohmann::json control(const nlohmann::json& request) const;
    [[nodiscard]] Metrics metrics() const { return Metrics::scrape(node_, options_.http_port); }
    /// What it wrote so far; the last `lines` of it.
    [[nodiscard]] std::string log(std::size_t lines = 60) const;
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] AgentOptions& options() { return options_; }
    [[nodiscard]] const AgentOptions& options() const { return options_; }

   private:
    [[nodiscard]] std::vector<std::string> backend_arguments() const;
    [[nodiscard]] std::vector<std::string> source_arguments() const;
    [[nodiscard]] std::string program() const;
    [[nodiscard]] std::vector<std::string> command_line() const;

    const Netns& node_;
    AgentOptions options_;
    std::string socket_;
    std::string log_;
    pid_t pid_ = -1;
};

}  // namespace directfaas::support
