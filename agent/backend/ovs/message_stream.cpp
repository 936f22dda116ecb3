// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/message_stream.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "agent/backend/ovs/unix_socket.h"

namespace directfaas::backend::ovs {

using util::fail;
using util::fail_errno;
using util::Result;

namespace {

constexpr std::chrono::seconds kGreetingPatience{1};
constexpr std::chrono::seconds kEchoPatience{5};
constexpr std::size_t kChunk = 1 << 16;

}  // namespace

Result<MessageStream> MessageStream::open(const std::string& socket_path) {
    auto socket = connect_unix(socket_path);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    MessageStream connection;
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

Result<void> MessageStream::write(std::span<const std::uint8_t> bytes, Clock::time_point deadline) {
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

Result<void> MessageStream::fill(Clock::time_point deadline) {
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

Result<Bytes> MessageStream::next(Clock::time_point deadline) {
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
                if (auto sent = write(message, Clock::now() + kEchoPatience); !sent) {
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

}  // namespace directfaas::backend::ovs
