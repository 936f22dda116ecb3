// SPDX-License-Identifier: Apache-2.0
#include "test/support/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "lib/util/unique_fd.h"
#include "test/support/wait.h"

namespace directfaas::support {
namespace {

util::Result<util::UniqueFd> open_stream(const std::string& path) {
    util::UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return util::fail("socket path too long: " + path);
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const timeval limit{kPatience.count(), 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        return util::fail_errno("connect to " + path);
    }
    return fd;
}

}  // namespace

util::Result<nlohmann::json> control_request(const std::string& socket_path,
                                             const nlohmann::json& request) {
    auto stream = open_stream(socket_path);
    if (!stream) {
        return std::unexpected(stream.error());
    }
    const std::string line = request.dump() + "\n";
    if (::send(stream->get(), line.data(), line.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size())) {
        return util::fail_errno("send to " + socket_path);
    }
    std::string answer;
    std::array<char, 65536> buffer;
    while (answer.find('\n') == std::string::npos) {
        const ssize_t got = ::recv(stream->get(), buffer.data(), buffer.size(), 0);
        if (got < 0) {
            return util::fail_errno("answer from " + socket_path);
        }
        if (got == 0) {
            return util::fail("no whole answer from " + socket_path);
        }
        answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    auto json = nlohmann::json::parse(answer, nullptr, false);
    if (json.is_discarded()) {
        return util::fail("not JSON: " + answer);
    }
    return json;
}

}  // namespace directfaas::support
