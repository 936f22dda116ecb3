// SPDX-License-Identifier: Apache-2.0
// A connection to the bridge's management socket, BRIDGE.mgmt (ovs-vswitchd(8)).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "agent/backend/ovs/messages.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ovs {

/// Requests wait for their answer; what comes unasked goes to a callback. Not thread-safe.
class OpenFlow {
   public:
    using Unasked = std::function<void(Header header, std::span<const std::uint8_t> message)>;

    /// Connects and agrees on OpenFlow 1.5.
    static util::Result<OpenFlow> open(const std::string& socket_path);

    /// Sends without waiting; an answer, should one come, counts as unasked.
    util::Result<void> send(Bytes message);
    /// Makes the change true as one bundle: all of it, or nothing and an error.
    util::Result<void> commit(const Change& change, const std::vector<Bytes>& more = {});
    /// Sends messages and waits until the switch has taken all of them.
    util::Result<void> execute(std::vector<Bytes> messages);
    util::Result<std::vector<FoundFlow>> flows(std::uint8_t table, std::uint64_t cookie,
                                               std::uint64_t cookie_mask);
    util::Result<std::vector<FoundPort>> ports();
    util::Result<std::map<std::uint32_t, std::uint64_t>> meter_drops();

    /// Reads what is there without waiting. An error means that the connection is over.
    util::Result<void> receive(const Unasked& unasked);

    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] bool connected() const { return socket_.valid(); }

   private:
    using Clock = std::chrono::steady_clock;

    util::Result<void> write(std::span<const std::uint8_t> bytes, Clock::time_point deadline);
    /// Next whole message, or empty if there is none until the deadline.
    util::Result<Bytes> next(Clock::time_point deadline);
    util::Result<void> fill(Clock::time_point deadline);
    util::Result<Bytes> answer(std::uint32_t transaction, MessageType type,
                               Clock::time_point deadline);
    template <typename Part>
    util::Result<void> multipart(Bytes request, Part part);
    void close() { socket_.reset(); }

    util::UniqueFd socket_;
    Bytes received_;
    std::size_t begin_ = 0;      // of what is not taken yet in received_
    std::vector<Bytes> queued_;  // came while an answer was waited for
    std::uint32_t next_transaction_ = 1;
    std::uint32_t next_bundle_ = 1;
    std::map<std::uint32_t, std::string> errors_;  // of the request under way, by transaction
};

}  // namespace directfaas::backend::ovs
