// SPDX-License-Identifier: Apache-2.0
// Between our addresses and the kernel's sockaddr.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

#include "test/support/socket.h"

namespace directfaas::support {

socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& storage) {
    const auto& bytes = address.ip.bytes();
    storage = {};
    if (address.ip.is_v4()) {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address.port);
        std::memcpy(&v4->sin_addr, bytes.data() + 12, 4);
        return sizeof(sockaddr_in);
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    std::memcpy(&v6->sin6_addr, bytes.data(), 16);
    return sizeof(sockaddr_in6);
}

SocketAddress from_sockaddr(const sockaddr_storage& storage) {
    std::array<std::uint8_t, 16> bytes{};
    if (storage.ss_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
        bytes[10] = bytes[11] = 0xff;
        std::memcpy(bytes.data() + 12, &v4->sin_addr, 4);
        return {util::IpAddress{bytes}, ntohs(v4->sin_port)};
    }
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    std::memcpy(bytes.data(), &v6->sin6_addr, 16);
    return {util::IpAddress{bytes}, ntohs(v6->sin6_port)};
}

util::UniqueFd bound_socket(const Netns& netns, int family, int type, std::uint16_t port) {
    return netns.run([&] {
        util::UniqueFd fd{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        const int on = 1;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (family == AF_INET6) {
            ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        }
        sockaddr_storage any{};
        const auto ip = family == AF_INET ? *util::IpAddress::parse("0.0.0.0") : util::IpAddress{};
        const socklen_t size = to_sockaddr({ip, port}, any);
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&any), size) != 0) {
            throw_errno("bind port " + std::to_string(port) + " in " + netns.name());
        }
        return fd;
    });
}

util::UniqueFd group_member(const Netns& netns, const SocketAddress& group) {
    const bool v4 = group.ip.is_v4();
    util::UniqueFd fd = bound_socket(netns, v4 ? AF_INET : AF_INET6, SOCK_DGRAM, group.port);
    group_req request{};
    to_sockaddr(group, request.gr_group);
    if (::setsockopt(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &request,
                     sizeof request) != 0) {
        throw_errno("join a group in " + netns.name());
    }
    return fd;
}

}  // namespace directfaas::support
