// SPDX-License-Identifier: Apache-2.0
// Keeps the authority on a thread of its own, so that a slow apiserver holds up nothing else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "controller/ca/ca.h"

namespace directfaas::controller {

/// What it tells of itself.
struct CaStanding {
    WallTime server_until;  // of the server's certificate; the epoch: there is none yet
    WallTime authority_until;
    std::string trouble;
};

class CaKeeper {
   public:
    /// `use` runs on the keeper's thread, with each new server certificate.
    CaKeeper(std::unique_ptr<kube::HttpTransport> transport, CaOptions options,
             std::function<void(const Certified&)> use);
    CaKeeper(const CaKeeper&) = delete;
    CaKeeper& operator=(const CaKeeper&) = delete;
    ~CaKeeper();

    /// Any thread.
    [[nodiscard]] CaStanding standing() const;

   private:
    void run(const std::stop_token& stop);

    kube::Client client_;
    Ca ca_;  // of the thread alone
    std::function<void(const Certified&)> use_;

    mutable std::mutex mutex_;  // of all that follows
    std::condition_variable_any stopped_;
    CaStanding standing_;

    std::jthread thread_;  // last: it uses all the others
};

}  // namespace directfaas::controller
