// SPDX-License-Identifier: Apache-2.0
// Applications of any size, as a directory of JSON manifests and an agent that reads them: one
// namespace of ten functions with ten instances each in a file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bench/application_objects.h"
#include "test/support/agent_process.h"
#include "test/support/topology.h"

namespace directfaas::bench {

/// An agent in a namespace of its own with a directory of `namespaces` files. Only in a private
/// world (bench/private_world.h): it stops the agent, but leaves its kernel state to that.
class BigApplication {
   public:
    enum class Backend : std::uint8_t { kEbpf, kOvs };

    explicit BigApplication(unsigned namespaces, Backend backend = Backend::kEbpf);
    BigApplication(const BigApplication&) = delete;
    BigApplication& operator=(const BigApplication&) = delete;
    ~BigApplication();

    [[nodiscard]] const support::Netns& node() const { return node_; }
    [[nodiscard]] const support::AgentProcess& agent() const { return agent_; }
    /// The bridge the pods hang on; only with Backend::kOvs.
    [[nodiscard]] support::VSwitch& vswitch() { return *vswitch_; }
    /// Path of a pinned table or ("prog/from_pod") program.
    [[nodiscard]] std::string pin(const std::string& name) const;
    [[nodiscard]] unsigned functions() const { return namespaces_ * kFunctionsPerNamespace; }

    /// Writes a namespace's file aside; put() renames it into place.
    void prepare(unsigned ns, const NamespaceState& state);
    void put(unsigned ns);
    /// Starts the agent and waits until it is ready and the switch has every function's vIP:
    /// seconds it took.
    double start();
    /// MiB of the agent's memory, as a line of /proc/PID/status tells: "VmRSS:", "VmHWM:" (the
    /// peak).
    [[nodiscard]] double agent_mib(const std::string& label) const;
    /// Functions the agent says it serves.
    [[nodiscard]] std::size_t served() const;

   private:
    [[nodiscard]] std::string file(unsigned ns) const;
    [[nodiscard]] std::string aside() const { return directory_ + "/.next"; }

    unsigned namespaces_;
    support::Netns node_;
    std::unique_ptr<support::VSwitch> vswitch_;
    std::string directory_;
    std::string instance_ = "bench";
    support::AgentProcess agent_;
};

}  // namespace directfaas::bench
