// SPDX-License-Identifier: Apache-2.0
// Requests of 200 bytes and answers of 200 bytes over TCP, as fast as they go, client and server on
// one CPU.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "test/support/netns.h"
#include "test/support/socket.h"

namespace directfaas::bench {

/// Answers every request, one connection after the other, until destroyed. Both families.
class EchoServer {
   public:
    EchoServer(const support::Netns& netns, std::uint16_t port, int cpu);
    EchoServer(const EchoServer&) = delete;
    EchoServer& operator=(const EchoServer&) = delete;
    ~EchoServer();

   private:
    void serve() const;

    util::UniqueFd listener_;
    std::thread thread_;
};

/// µs of each of `count` requests on one connection that is open before the first. Call it on a
/// thread inside the client's namespace. Throws support::SupportError.
std::vector<double> kept_connection(const support::SocketAddress& to, unsigned count);

/// µs of each of `count` times connect, request, close. The same.
std::vector<double> new_connections(const support::SocketAddress& to, unsigned count);

}  // namespace directfaas::bench
