// SPDX-License-Identifier: Apache-2.0
// Ends blocking I/O on somebody else's socket from another thread. Keeps a duplicate of the
// descriptor, so that a number that was closed and given out again is never shut down.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>

#include "lib/util/unique_fd.h"

namespace directfaas::kube {

class AbortSwitch {
   public:
    /// Minds this socket from now on, instead of the last one.
    void mind(int socket) {
        const std::scoped_lock lock(mutex_);
        socket_.reset(fcntl(socket, F_DUPFD_CLOEXEC, 0));
        if (aborted_) {
            shutdown(socket_.get(), SHUT_RDWR);
        }
    }
    /// The duplicate would keep a closed connection open.
    void forget() {
        const std::scoped_lock lock(mutex_);
        socket_.reset();
    }
    void abort() {
        const std::scoped_lock lock(mutex_);
        aborted_ = true;
        if (socket_.valid()) {
            shutdown(socket_.get(), SHUT_RDWR);
        }
    }
    [[nodiscard]] bool aborted() const { return aborted_; }

   private:
    std::mutex mutex_;
    util::UniqueFd socket_;
    std::atomic<bool> aborted_ = false;
};

}  // namespace directfaas::kube
