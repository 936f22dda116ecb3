// SPDX-License-Identifier: Apache-2.0
#include "cli/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>

namespace directfaas::cli {
namespace {

using util::fail_errno;

constexpr std::size_t kReadChunk = std::size_t{64} << 10U;

}  // namespace

util::Result<Connection> Connection::open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return fail_errno("connect to " + path, ENAMETOOLONG);
    }
    path.copy(address.sun_path, path.size());
    util::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) {
        return fail_errno("create a unix socket");
    }
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return fail_errno("connect to " + path);
    }
    return Connection(std::move(fd));
}

util::Result<void> Connection::send_line(std::string line) {
    line += '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
        const auto sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return fail_errno("send the request");
        }
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

util::Result<bool> Connection::fill(std::optional<std::chrono::milliseconds> patience,
                                    const Watch& watch) {
    const auto [reader, input] = watch.poll_entries();
    std::array<pollfd, 3> waits{{{fd_.get(), POLLIN, 0}, reader, input}};
    const int ready =
        ::poll(waits.data(), waits.size(), patience ? static_cast<int>(patience->count()) : -1);
    if (ready < 0 && errno == EINTR) {
        return true;
    }
    if (ready == 0) {
        return fail_errno("wait for the agent's answer", ETIMEDOUT);
    }
    if (waits[1].revents != 0 || waits[2].revents != 0) {
        return fail_errno("write the output", ECANCELED);
    }
    const auto old = buffer_.size();
    buffer_.resize(old + kReadChunk);
    const auto got = ::recv(fd_.get(), buffer_.data() + old, kReadChunk, 0);
    const int code = errno;
    buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && code != EINTR) {
        return fail_errno("read the agent's answer", code);
    }
    return got != 0;
}

util::Result<std::optional<std::string>> Connection::read_line(
    std::optional<std::chrono::milliseconds> patience, const Watch& watch) {
    while (true) {
        const auto end = buffer_.find('\n', scanned_);
        if (end != std::string::npos) {
            std::string line = buffer_.substr(start_, end - start_);
            start_ = scanned_ = end + 1;
            return line;
        }
        buffer_.erase(0, start_);
        start_ = 0;
        scanned_ = buffer_.size();
        if (buffer_.size() > kAnswerLimit) {
            return fail_errno("read the agent's answer", EMSGSIZE);
        }
        auto more = fill(patience, watch);
        if (!more) {
            return std::unexpected(more.error());
        }
        if (!*more) {
            if (!buffer_.empty()) {
                return fail_errno("read the agent's answer", ECONNRESET);
            }
            return std::nullopt;
        }
    }
}

}  // namespace directfaas::cli
