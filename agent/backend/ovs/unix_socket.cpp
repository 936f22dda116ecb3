// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/unix_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace directfaas::backend::ovs {

util::Result<util::UniqueFd> connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return util::fail(path + ": the path is too long for a socket");
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    util::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) {
        return util::fail_errno("making a socket");
    }
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
        0) {
        return util::fail_errno("connecting to " + path);
    }
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
        return util::fail_errno("setting up the connection to " + path);
    }
    return socket;
}

util::Result<void> wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline) {
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd item{fd, events, 0};
        const int ready =
            ::poll(&item, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready > 0) {
            return {};
        }
        if (ready == 0) {
            return util::fail_errno("waiting for Open vSwitch", ETIMEDOUT);
        }
        if (errno != EINTR) {
            return util::fail_errno("waiting for Open vSwitch");
        }
    }
}

}  // namespace directfaas::backend::ovs
