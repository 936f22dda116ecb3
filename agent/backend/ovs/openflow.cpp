// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/openflow.h"

#include <fmt/format.h>

#include <algorithm>

namespace directfaas::backend::ovs {
namespace {

using util::fail;
using util::Result;

/// Longest wait for an answer; ovs-vswitchd answers nothing while ovsdb-server is gone. A bundle of
/// 100 000s of flows takes seconds, and longer.
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::seconds kBundlePatience{60};
constexpr std::size_t kLargeBundle = 1000;
/// A bundle is sent in parts of so many bytes.
constexpr std::size_t kChunk = 1 << 16;

bool more_follows(std::span<const std::uint8_t> reply) {
    Reader in(reply);
    in.skip(kHeaderSize + 2);
    return (in.u16() & 1) != 0;
}

/// "flow of table 105, priority 100: " for the `index`-th flow of a change.
std::string which_flow(const Change& change, std::uint32_t index) {
    if (index >= change.flows().size()) {
        return "";
    }
    const Flow& flow = *std::next(change.flows().begin(), index);
    return fmt::format("flow of table {}, priority {}: ", flow.table, flow.priority);
}

/// Sends the messages of one bundle, several at a time.
class BundleWriter {
   public:
    BundleWriter(MessageStream& stream, std::uint32_t bundle, std::uint32_t& next_transaction,
                 MessageStream::Clock::time_point deadline)
        : stream_(stream),
          bundle_(bundle),
          next_transaction_(next_transaction),
          deadline_(deadline) {
        put(bundle_control(bundle_, BundleStep::kOpen));
    }
    /// Takes one transaction number.
    void add(Bytes message) {
        set_transaction(message, next_transaction_);  // inner and outer must be the same
        put(bundle_add(bundle_, message));
    }
    /// The answer will be to the last transaction number. An error is that of any message.
    Result<void> commit() {
        put(bundle_control(bundle_, BundleStep::kCommit));
        return written_ ? stream_.write(batch_, deadline_) : written_;
    }

   private:
    void put(Bytes message) {
        set_transaction(message, next_transaction_++);
        batch_.insert(batch_.end(), message.begin(), message.end());
        if (batch_.size() > kChunk && written_) {
            written_ = stream_.write(batch_, deadline_);
            batch_.clear();
        }
    }

    MessageStream& stream_;
    const std::uint32_t bundle_;
    std::uint32_t& next_transaction_;
    const MessageStream::Clock::time_point deadline_;
    Bytes batch_;
    Result<void> written_;
};

}  // namespace

Result<OpenFlow> OpenFlow::open(const std::string& socket_path) {
    auto stream = MessageStream::open(socket_path);
    if (!stream) {
        return std::unexpected(stream.error());
    }
    OpenFlow connection;
    connection.stream_ = std::move(*stream);
    return connection;
}

Result<Bytes> OpenFlow::answer(std::uint32_t transaction, MessageType type,
                               Clock::time_point deadline) {
    while (true) {
        auto message = stream_.next(deadline);
        if (!message) {
            return message;
        }
        if (message->empty()) {
            stream_.close();
            return fail("the bridge does not answer");
        }
        const Header header = read_header(*message);
        if (header.type == MessageType::kError) {
            errors_[header.transaction] = error_text(*message);
            if (header.transaction == transaction) {
                return fail(errors_[transaction]);
            }
        } else if (header.type == type && header.transaction == transaction) {
            return message;
        } else {
            queued_.push_back(std::move(*message));
        }
    }
}

Result<void> OpenFlow::send(Bytes message) {
    set_transaction(message, next_transaction_++);
    return stream_.write(message, Clock::now() + kPatience);
}

Result<void> OpenFlow::execute(std::vector<Bytes> messages) {
    errors_.clear();
    messages.push_back(simple_message(MessageType::kBarrierRequest));
    const auto deadline = Clock::now() + kPatience;
    for (Bytes& message : messages) {
        set_transaction(message, next_transaction_++);
        if (auto sent = stream_.write(message, deadline); !sent) {
            return sent;
        }
    }
    const auto done = answer(next_transaction_ - 1, MessageType::kBarrierReply, deadline);
    if (!done) {
        return std::unexpected(done.error());
    }
    return errors_.empty() ? Result<void>() : fail(errors_.begin()->second);
}

Result<void> OpenFlow::commit(const Change& change, const std::vector<Bytes>& more) {
    errors_.clear();
    const bool large = change.flows().size() + change.groups().size() > kLargeBundle;
    const auto deadline = Clock::now() + (large ? kBundlePatience : kPatience);
    BundleWriter bundle(stream_, next_bundle_++, next_transaction_, deadline);
    for (const Bytes& message : more) {
        bundle.add(message);
    }
    for (const auto& [number, group] : change.groups()) {
        if (!group.remove) {
            std::ranges::for_each(group_messages(group), [&](auto& part) { bundle.add(part); });
        }
    }
    const std::uint32_t first_flow = next_transaction_;
    for (const Flow& flow : change.flows()) {
        bundle.add(flow.cookie == 0 ? remove_flow(flow) : put_flow(flow));
    }
    for (const auto& [number, group] : change.groups()) {
        if (group.remove) {
            bundle.add(remove_group(number));
        }
    }
    if (auto written = bundle.commit(); !written) {
        return written;
    }
    const auto done = answer(next_transaction_ - 1, MessageType::kBundleControl, deadline);
    if (!errors_.empty()) {
        const auto& [transaction, text] = *errors_.begin();
        return fail(which_flow(change, transaction - first_flow) + text);
    }
    return done ? Result<void>() : std::unexpected(done.error());
}

template <typename Part>
Result<void> OpenFlow::multipart(Bytes request, Part part) {
    const std::uint32_t transaction = next_transaction_++;
    set_transaction(request, transaction);
    const auto deadline = Clock::now() + kPatience;
    if (auto sent = stream_.write(request, deadline); !sent) {
        return sent;
    }
    while (true) {
        const auto reply = answer(transaction, MessageType::kMultipartReply, deadline);
        if (!reply) {
            return std::unexpected(reply.error());
        }
        if (!part(*reply)) {
            return fail("the bridge sent a reply that cannot be read");
        }
        if (!more_follows(*reply)) {
            return {};
        }
    }
}

Result<std::vector<FoundFlow>> OpenFlow::flows(std::uint8_t table, std::uint64_t cookie_value,
                                               std::uint64_t cookie_mask) {
    std::vector<FoundFlow> found;
    auto done = multipart(flows_request(table, cookie_value, cookie_mask),
                          [&](const Bytes& reply) { return read_flows(reply, found); });
    return done ? Result<std::vector<FoundFlow>>(std::move(found)) : std::unexpected(done.error());
}

Result<std::vector<FoundPort>> OpenFlow::ports() {
    std::vector<FoundPort> found;
    auto done = multipart(multipart_request(Multipart::kPorts, kPortAny),
                          [&](const Bytes& reply) { return read_ports(reply, found); });
    return done ? Result<std::vector<FoundPort>>(std::move(found)) : std::unexpected(done.error());
}

Result<std::map<std::uint32_t, std::uint64_t>> OpenFlow::meter_drops() {
    constexpr std::uint32_t kAll = 0xffffffff;
    std::map<std::uint32_t, std::uint64_t> drops;
    auto done = multipart(multipart_request(Multipart::kMeterStats, kAll),
                          [&](const Bytes& reply) { return read_meter_drops(reply, drops); });
    if (!done) {
        return std::unexpected(done.error());
    }
    return drops;
}

Result<void> OpenFlow::receive(const Unasked& unasked) {
    for (const Bytes& message : std::exchange(queued_, {})) {
        unasked(read_header(message), message);
    }
    while (true) {
        auto message = stream_.next(Clock::time_point::min());
        if (!message) {
            return std::unexpected(message.error());
        }
        if (message->empty()) {
            return {};
        }
        unasked(read_header(*message), *message);
    }
}

}  // namespace directfaas::backend::ovs
