// SPDX-License-Identifier: Apache-2.0
// Whole OpenFlow messages over the bridge's management socket. It answers the switch's echo
// requests by itself.
#pragma once

#include <chrono>
#include <span>
#include <string>

#include "agent/backend/ovs/messages.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ovs {

/// An error of any call means that the connection is over, unless it is said otherwise. Not
/// thread-safe.
class MessageStream {
   public:
    using Clock = std::chrono::steady_clock;

    /// Connects and agrees on OpenFlow 1.5.
    static util::Result<MessageStream> open(const std::string& socket_path);

    util::Result<void> write(std::span<const std::uint8_t> bytes, Clock::time_point deadline);
    /// Next whole message, or empty if there is none until the deadline. The connection survives a
    /// deadline that passes.
    util::Result<Bytes> next(Clock::time_point deadline);
    void close() { socket_.reset(); }

    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] bool connected() const { return socket_.valid(); }

   private:
    util::Result<void> fill(Clock::time_point deadline);

    util::UniqueFd socket_;
    Bytes received_;
    std::size_t begin_ = 0;  // of what is not taken yet in received_
};

}  // namespace directfaas::backend::ovs
