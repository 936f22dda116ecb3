// SPDX-License-Identifier: Apache-2.0
// Runs for the lead on a thread of its own, so that a slow apiserver holds up nothing else.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "lib/kube/election.h"

namespace directfaas::controller {

class Leader {
   public:
    /// `on_change` runs on the leader's thread.
    Leader(std::unique_ptr<kube::HttpTransport> transport, kube::ElectionOptions options,
           std::function<void(bool leads)> on_change);
    Leader(const Leader&) = delete;
    Leader& operator=(const Leader&) = delete;
    /// Gives the lead back, if it has it.
    ~Leader() = default;

    /// Becomes false by itself when the Lease could not be renewed in time. Any thread.
    [[nodiscard]] bool leads() const;
    /// Who does, as last seen; empty: nobody.
    [[nodiscard]] std::string holder() const;
    /// Why the Lease could not be read or renewed, if so.
    [[nodiscard]] std::string trouble() const;

   private:
    using Clock = std::chrono::steady_clock;

    void run(const std::stop_token& stop);

    kube::ElectionOptions options_;
    kube::Client client_;
    kube::Election election_;  // of the thread alone
    std::function<void(bool)> on_change_;
    std::atomic<Clock::rep> leads_until_ = 0;

    mutable std::mutex mutex_;  // of all that follows
    std::condition_variable_any stopped_;
    std::string holder_;
    std::string trouble_;

    std::jthread thread_;  // last: it uses all the others
};

}  // namespace directfaas::controller
