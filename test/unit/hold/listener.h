// SPDX-License-Identifier: Apache-2.0
// Ports of the loopback interface in each state a port proof may meet.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "lib/util/address.h"
#include "lib/util/unique_fd.h"

namespace directfaas::hold {

/// A port of 127.0.0.1 or ::1. Bound from the start, so that nobody else gets it; connections are
/// refused until listen().
class LoopbackPort {
   public:
    explicit LoopbackPort(const std::string& address)
        : family_(address == "::1" ? AF_INET6 : AF_INET), socket_(::socket(family_, kType, 0)) {
        sockaddr_storage own{};
        own.ss_family = static_cast<sa_family_t>(family_);
        if (family_ == AF_INET) {
            reinterpret_cast<sockaddr_in*>(&own)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        } else {
            reinterpret_cast<sockaddr_in6*>(&own)->sin6_addr = in6addr_loopback;
        }
        socklen_t size = family_ == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&own), size), 0)
            << std::strerror(errno);
        EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own_), &size_), 0);
    }

    /// Port number, host order.
    [[nodiscard]] std::uint16_t number() const {
        return ntohs(reinterpret_cast<const sockaddr_in*>(&own_)->sin_port);  // same place in v6
    }
    void listen(int backlog = 16) { EXPECT_EQ(::listen(socket_.get(), backlog), 0); }

    /// From now on the kernel drops new connection attempts: the queue of the listener is full.
    void fill() {
        listen(0);
        for (int i = 0; i < 8; ++i) {
            util::UniqueFd client(::socket(family_, kType, 0));
            const int done =
                ::connect(client.get(), reinterpret_cast<const sockaddr*>(&own_), size_);
            EXPECT_TRUE(done == 0 || errno == EINPROGRESS) << std::strerror(errno);
            clients_.push_back(std::move(client));
        }
    }

    /// A connection that waits to be accepted; invalid if there is none.
    util::UniqueFd accept() {
        return util::UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK));
    }

   private:
    static constexpr int kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int family_;
    util::UniqueFd socket_;
    sockaddr_storage own_{};
    socklen_t size_ = sizeof(own_);
    std::vector<util::UniqueFd> clients_;
};

}  // namespace directfaas::hold
