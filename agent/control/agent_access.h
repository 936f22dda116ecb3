// SPDX-License-Identifier: Apache-2.0
// What the control socket may see of the agent and do to it; the agent's wiring provides it.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/cni/attachment.h"
#include "lib/model/model.h"
#include "lib/util/result.h"

namespace directfaas::control {

/// Why a request is not done; `code` is one of the protocol's.
struct Refusal {
    std::string code;
    std::string error;
    std::string advice;
};

/// State that neither the model nor the backend has.
struct Facts {
    struct Source {
        std::string name;
        std::size_t objects = 0;
        std::size_t problems = 0;
    };
    struct Unattached {
        std::string pod;
        std::string why;
    };
    std::string version;
    std::string instance;
    std::string backend;
    std::string node;
    std::string metrics_address;  // "127.0.0.1:9467"; empty: metrics are off
    std::chrono::duration<double> uptime{};
    std::string no_fast_path;            // why the node's settings rule it out
    std::vector<std::string> not_ready;  // reasons; empty: ready
    std::vector<std::string> bypasses;   // what may go past the switch; not ready, but pods start
    std::vector<Source> sources;
    std::vector<model::Problem> problems;  // of sources and model
    std::map<model::Identity, std::size_t> held_now;
    std::vector<Unattached> unattached;
    std::optional<std::chrono::duration<double>> since_last_sync;
};

/// Called on the loop's thread only.
class AgentAccess {
   public:
    virtual ~AgentAccess() = default;

    [[nodiscard]] virtual const model::Model& model() const = 0;
    virtual backend::Backend& backend() = 0;
    [[nodiscard]] virtual Facts facts() const = 0;
    /// Name of an interface, empty when there is none with this number.
    [[nodiscard]] virtual std::string interface_name(unsigned ifindex) const = 0;

    /// Puts a pod behind an interface by hand, until the agent ends; returns its number.
    virtual std::expected<unsigned, Refusal> attach(const model::ObjectName& pod,
                                                    const std::string& interface_name) = 0;
    virtual std::expected<void, Refusal> detach(const model::ObjectName& pod) = 0;

    /// The CNI plugin tells of a pod's interface. `done` gets the pod's standing once it is
    /// enforced or known to belong to no chain, or after `patience`; maybe before this returns.
    virtual void cni_add(cni::Attachment attachment, std::chrono::milliseconds patience,
                         std::function<void(const cni::Standing&)> done) = 0;
    [[nodiscard]] virtual cni::Standing cni_check(const model::ObjectName& pod,
                                                  unsigned ifindex) const = 0;
    /// Nothing happens if there is no such attachment.
    virtual void cni_del(const cni::Key& key) = 0;
    /// Forgets all that `valid` does not name; returns how many.
    virtual std::size_t cni_gc(const std::vector<cni::Key>& valid) = 0;

    virtual util::Result<void> set_trace(bool on) = 0;
    virtual util::Result<void> set_drain(bool on) = 0;
    /// Ends the process with status 0, after the kernel state was removed.
    virtual void end() = 0;
};

}  // namespace directfaas::control
