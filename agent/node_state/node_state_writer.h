// SPDX-License-Identifier: Apache-2.0
// Keeps this node's DirectFaaSNode object equal to what the agent says of itself. A thread of its
// own does the writing: the apiserver may be slow or away, and rules must not wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "lib/kube/client.h"
#include "lib/kube/node_state.h"
#include "lib/util/backoff.h"

namespace directfaas::node_state {

struct WriterOptions {
    std::string node;
    /// Changes that come in this time are written together; spread to twice that, so that a change
    /// that all nodes see does not come back from all at once.
    std::chrono::milliseconds gather{500};
    std::chrono::milliseconds refresh{300000};  // written again, changed or not
    util::BackoffOptions retry{.first = std::chrono::milliseconds{2000},
                               .max = std::chrono::milliseconds{60000},
                               .jitter = 1.0};
    std::chrono::milliseconds unanswered_max{10000};  // the longest wait while nobody answers
    std::uint64_t seed = std::random_device{}();
};

class NodeStateWriter {
   public:
    NodeStateWriter(std::unique_ptr<kube::HttpTransport> transport, WriterOptions options);
    NodeStateWriter(const NodeStateWriter&) = delete;
    NodeStateWriter& operator=(const NodeStateWriter&) = delete;
    /// What is not written yet is not written.
    ~NodeStateWriter();

    /// Any thread; never waits.
    void publish(kube::NodeState state);
    /// Why the last write failed; empty: it did not.
    [[nodiscard]] std::string trouble() const;

   private:
    using Clock = std::chrono::steady_clock;

    void run(const std::stop_token& stop);
    [[nodiscard]] std::optional<Clock::time_point> due() const;
    [[nodiscard]] std::chrono::milliseconds spread(std::chrono::milliseconds time);
    void write(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);

    WriterOptions options_;
    kube::Client client_;

    mutable std::mutex mutex_;  // of all that follows
    std::condition_variable_any changed_;
    std::mt19937_64 random_;
    std::optional<kube::NodeState> wanted_;
    std::optional<kube::NodeState> written_;
    std::optional<Clock::time_point> change_due_;  // when `wanted_` is to be written
    Clock::time_point refresh_due_;
    util::Backoff backoff_;
    std::string trouble_;

    std::jthread thread_;  // last: it uses all the others
};

}  // namespace directfaas::node_state
