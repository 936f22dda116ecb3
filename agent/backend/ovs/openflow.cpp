// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/openflow.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "agent/backend/ovs/unix_socket.h"

namespace directfaas::backend::ovs {
namespace {

using util::fail;
using util::fail_errno;
using util::Result;

/// Longest wait for an answer; ovs-vswitchd answers nothing while ovsdb-server is gone. A bundle of
/// 100 000s of flows takes seconds, and longer.
constexpr std::chrono::seconds kGreetingPatience{1};
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::seconds kBundlePatience{60};
constexpr std::size_t kLargeBundle = 1000;
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
    const auto& key = std::next(change.flows().begin(), index)->first;
    return fmt::format("flow of table {}, priority {}: ", key.table, key.priority);
}

}  // namespace

Result<OpenFlow> OpenFlow::open(const std::string& socket_path) {
    auto socket = connect_unix(socket_path);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    OpenFlow connection;
    connection.socket_ = std::move(*socket);
    if (auto sent = connection.write(hello(), Clock::now() + kGreetingPatience); !sent) {
        return std::unexpected(sent.error());
    }
    const auto greeting = connection.next(Clock::now() + kGreetingPatience);
    if (!greeting) {
        return std::unexpected(greeting.error());
    }
    const Header header = greeting->empty() ? Header{} : read_header(*greeting);
    if (header.type != MessageType::kHello || header.version < kVersion) {
        return fail(fmt::format(
            "{}: the bridge does not speak OpenFlow 1.5; allow it with `ovs-vsctl set bridge "
            "BRIDGE protocols=OpenFlow10,OpenFlow15`",
            socket_path));
    }
    return connection;
}

Result<void> OpenFlow::write(std::span<const std::uint8_t> bytes, Clock::time_point deadline) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            auto error = fail_errno("sending to the bridge");
            close();
            return error;
        }
        if (auto waited = wait_for(socket_.get(), POLLOUT, deadline); !waited) {
            close();
            return waited;
        }
    }
    return {};
}

Result<void> OpenFlow::fill(Clock::time_point deadline) {
    if (begin_ > kChunk) {
        received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    const auto size = received_.size();
    received_.resize(size + kChunk);
    ssize_t got = ::recv(socket_.get(), received_.data() + size, kChunk, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR) && deadline > Clock::now()) {
        if (auto waited = wait_for(socket_.get(), POLLIN, deadline); !waited) {
            received_.resize(size);
            return waited;
        }
        got = ::recv(socket_.get(), received_.data() + size, kChunk, 0);
    }
    received_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
        return {};
    }
    auto error =
        got == 0 ? fail("the bridge closed the connection") : fail_errno("reading from the bridge");
    close();
    return error;
}

Result<Bytes> OpenFlow::next(Clock::time_point deadline) {
    while (true) {
        const std::span<const std::uint8_t> all(received_);
        const auto rest = all.subspan(begin_);
        if (rest.size() >= kHeaderSize) {
            const Header header = read_header(rest);
            if (header.length < kHeaderSize) {
                close();
                return fail("the bridge sent something that is not OpenFlow");
            }
            if (rest.size() >= header.length) {
                Bytes message(rest.begin(), rest.begin() + header.length);
                begin_ += header.length;
                if (header.type != MessageType::kEchoRequest) {
                    return message;
                }
                message[1] = static_cast<std::uint8_t>(MessageType::kEchoReply);
                if (auto sent = write(message, Clock::now() + kPatience); !sent) {
                    return std::unexpected(sent.error());
                }
                continue;
            }
        }
        const auto before = received_.size() - begin_;
        if (auto filled = fill(deadline); !filled) {
            return std::unexpected(filled.error());
        }
        if (received_.size() - begin_ == before) {
            return Bytes();
        }
    }
}

Result<Bytes> OpenFlow::answer(std::uint32_t transaction, MessageType type,
                               Clock::time_point deadline) {
    while (true) {
        auto message = next(deadline);
        if (!message) {
            return message;
        }
        if (message->empty()) {
            close();
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
    return write(message, Clock::now() + kPatience);
}

Result<void> OpenFlow::execute(std::vector<Bytes> messages) {
    errors_.clear();
    messages.push_back(simple_message(MessageType::kBarrierRequest));
    const auto deadline = Clock::now() + kPatience;
    for (Bytes& message : messages) {
        set_transaction(message, next_transaction_++);
        if (auto sent = write(message, deadline); !sent) {
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
    const std::uint32_t id = next_bundle_++;
    Bytes batch;
    Result<void> written;
    const auto put = [&](Bytes message) {
        set_transaction(message, next_transaction_++);
        batch.insert(batch.end(), message.begin(), message.end());
        if (batch.size() > kChunk && written) {
            written = write(batch, deadline);
            batch.clear();
        }
    };
    const auto add = [&](Bytes message) {
        set_transaction(message, next_transaction_);  // inner and outer must be the same
        put(bundle_add(id, message));
    };
    put(bundle_control(id, BundleStep::kOpen));
    for (const Bytes& message : more) {
        add(message);
    }
    for (const auto& [number, group] : change.groups()) {
        if (!group.remove) {
            std::ranges::for_each(group_messages(group), add);
        }
    }
    const std::uint32_t first_flow = next_transaction_;
    for (const auto& [key, flow] : change.flows()) {
        add(flow.cookie == 0 ? remove_flow(flow) : put_flow(flow));
    }
    for (const auto& [number, group] : change.groups()) {
        if (group.remove) {
            add(remove_group(number));
        }
    }
    put(bundle_control(id, BundleStep::kCommit));
    const std::uint32_t committed = next_transaction_ - 1;
    if (written) {
        written = write(batch, deadline);
    }
    if (!written) {
        return written;
    }
    const auto done = answer(committed, MessageType::kBundleControl, deadline);
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
    if (auto sent = write(request, deadline); !sent) {
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
        auto message = next(Clock::time_point::min());
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
