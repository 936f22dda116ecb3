// SPDX-License-Identifier: Apache-2.0
#include "bench/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace directfaas::bench {

using support::throw_errno;

util::UniqueFd listen_in(const support::Netns& netns, std::uint16_t port) {
    return netns.run([port] {
        util::UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        any.sin6_port = htons(port);
        if (!fd.valid() ||
            ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0 ||
            ::listen(fd.get(), SOMAXCONN) != 0) {
            throw_errno("listen on port " + std::to_string(port));
        }
        return fd;
    });
}

util::UniqueFd connect_to(const support::SocketAddress& to) {
    sockaddr_storage address{};
    const socklen_t length = support::to_sockaddr(to, address);
    util::UniqueFd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid() ||
        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        throw_errno("connect to " + to.text());
    }
    set_no_delay(fd.get());
    return fd;
}

void set_no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace directfaas::bench
