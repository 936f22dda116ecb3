// SPDX-License-Identifier: Apache-2.0
// TCP ports of the loopback address for tests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>

#include "lib/util/unique_fd.h"

namespace directfaas::agent_test {

/// A port that is listened on as long as the object lives.
class TakenPort {
   public:
    TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (bind(socket_.get(), generic, size) != 0 || listen(socket_.get(), 1) != 0 ||
            getsockname(socket_.get(), generic, &size) != 0) {
            throw std::runtime_error("no port to listen on");
        }
        port_ = ntohs(address.sin_port);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }

   private:
    util::UniqueFd socket_;
    std::uint16_t port_ = 0;
};

/// A port nobody listened on a moment ago.
inline std::uint16_t free_port() { return TakenPort().port(); }

}  // namespace directfaas::agent_test
