// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/agent_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cni {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxAnswer = 1 << 20;

/// Waits until the socket can do `events`; false when the time is over.
bool wait_for(int fd, short events, Clock::time_point end) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd poll_fd{.fd = fd, .events = events, .revents = 0};
        const int ready = poll(&poll_fd, 1, static_cast<int>(std::max<long long>(left, 0)));
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return ready > 0;
        }
        if (left <= 0) {
            return false;
        }
    }
}

/// A full backlog (EAGAIN) means that many pods start at once: it is tried again.
std::expected<util::UniqueFd, std::string> connect_to(const std::string& path,
                                                      Clock::time_point end) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path)) {
        return std::unexpected("the path of the agent's socket is empty or too long");
    }
    path.copy(address.sun_path, path.size());
    util::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    while (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        if ((errno != EAGAIN && errno != EINTR) || Clock::now() >= end) {
            return std::unexpected(util::with_errno("connect to " + path));
        }
        poll(nullptr, 0, 5);
    }
    return fd;
}

std::expected<void, std::string> write_all(int fd, std::string_view text, Clock::time_point end) {
    while (!text.empty()) {
        const auto sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            text.remove_prefix(static_cast<std::size_t>(sent));
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(fd, POLLOUT, end)) {
            return std::unexpected(util::with_errno("write to the agent"));
        }
    }
    return {};
}

std::expected<std::string, std::string> read_line(int fd, Clock::time_point end) {
    std::string line;
    std::array<char, 4096> piece{};
    while (line.size() < kMaxAnswer) {
        if (!wait_for(fd, POLLIN, end)) {
            return std::unexpected("the agent did not answer in time");
        }
        const auto got = recv(fd, piece.data(), piece.size(), 0);
        if (got == 0) {
            return std::unexpected("the agent closed the connection without an answer");
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return std::unexpected(util::with_errno("read from the agent"));
        }
        line.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (const auto newline = line.find('\n'); newline != std::string::npos) {
            line.resize(newline);
            return line;
        }
    }
    return std::unexpected("the agent's answer is too long");
}

}  // namespace

std::expected<Json, std::string> ask_agent(const std::string& socket, const Json& request,
                                           std::chrono::milliseconds patience) {
    const auto end = Clock::now() + patience;
    auto fd = connect_to(socket, end);
    if (!fd) {
        return std::unexpected(fd.error());
    }
    const auto line = request.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (auto written = write_all(fd->get(), line, end); !written) {
        return std::unexpected(written.error());
    }
    const auto answer = read_line(fd->get(), end);
    if (!answer) {
        return std::unexpected(answer.error());
    }
    auto json = Json::parse(*answer, nullptr, false);
    if (!json.is_object() || !json.contains("ok") || !json["ok"].is_boolean()) {
        return std::unexpected("the agent's answer is no answer of the protocol");
    }
    return json;
}

}  // namespace directfaas::cni
