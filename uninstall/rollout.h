// SPDX-License-Identifier: Apache-2.0
// Exchanges the pods of a DaemonSet and waits until every node has its new one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "lib/kube/client.h"
#include "lib/util/result.h"

namespace directfaas::uninstall {

struct Patience {
    std::chrono::milliseconds timeout{std::chrono::minutes{10}};
    std::chrono::milliseconds period{1000};  // between two looks
};

/// How far a rollout is, by the DaemonSet's status.
struct Progress {
    bool seen = false;  // the status speaks of the newest spec
    std::int64_t wanted = 0;
    std::int64_t updated = 0;  // of the newest spec
    std::int64_t ready = 0;    // of any spec

    [[nodiscard]] bool complete() const { return seen && updated == wanted && ready == wanted; }
    /// Nodes whose new pod is ready, at least.
    [[nodiscard]] std::int64_t clean() const {
        return seen ? std::max(std::int64_t{0}, updated + ready - wanted) : 0;
    }
};

/// Of a DaemonSet as JSON text. Fails if that is none.
util::Result<Progress> progress_of(const std::string& daemonset);

/// Merges `patch` (JSON) into DaemonSet `name` and waits until all its pods are of the new kind and
/// ready. Fails after `timeout`, saying how far it came; the DaemonSet then stays as patched.
util::Result<void> roll_out(kube::Client& client, const std::string& ns, const std::string& name,
                            const std::string& patch, const Patience& patience);

}  // namespace directfaas::uninstall
