// SPDX-License-Identifier: Apache-2.0
// Requests to the bridge over its management socket, BRIDGE.mgmt (ovs-vswitchd(8)).
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "agent/backend/ovs/message_stream.h"
#include "agent/backend/ovs/messages.h"
#include "lib/util/result.h"

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

    [[nodiscard]] int fd() const { return stream_.fd(); }
    [[nodiscard]] bool connected() const { return stream_.connected(); }

   private:
    using Clock = MessageStream::Clock;

    util::Result<Bytes> answer(std::uint32_t transaction, MessageType type,
                               Clock::time_point deadline);
    template <typename Part>
    util::Result<void> multipart(Bytes request, Part part);

    MessageStream stream_;
    std::vector<Bytes> queued_;  // came while an answer was waited for
    std::uint32_t next_transaction_ = 1;
    std::uint32_t next_bundle_ = 1;
    std::map<std::uint32_t, std::string> errors_;  // of the request under way, by transaction
};

}  // namespace directfaas::backend::ovs
