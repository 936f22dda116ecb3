// SPDX-License-Identifier: Apache-2.0
// /metrics, /healthz and /readyz, on threads of their own: a slow reader must not hold up rules.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/status/figures.h"
#include "lib/util/event_loop.h"
#include "lib/util/result.h"

namespace directfaas::status {

struct StatusOptions {
    std::string host;
    std::uint16_t port = 0;
    /// Longest time the loop may be without a turn and still be healthy, or take for an answer.
    std::chrono::milliseconds stalled{10000};
};

/// Called on the loop's thread.
struct StatusSources {
    std::function<AgentFigures()> figures;
    /// Why the agent is not ready, a sentence each; empty when it is.
    std::function<std::vector<std::string>()> not_ready;
};

/// Create and destroy it on the loop's thread. `backend` must outlive it; of it only counters() is
/// called, from other threads.
class StatusServer {
   public:
    /// Fails, naming address and port, if they are taken.
    static util::Result<std::unique_ptr<StatusServer>> create(util::EventLoop& loop,
                                                              backend::Backend& backend,
                                                              StatusSources sources,
                                                              const StatusOptions& options);
    StatusServer(const StatusServer&) = delete;
    StatusServer& operator=(const StatusServer&) = delete;
    /// Ends at once, also while a request waits for the loop.
    ~StatusServer();

   private:
    struct State;
    explicit StatusServer(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace directfaas::status
