// SPDX-License-Identifier: Apache-2.0
#include "agent/control/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

namespace directfaas::control {
namespace {

constexpr int kBacklog = 16;

std::string first_line_of(int fd) {
    std::array<char, 32> text{};
    const auto size = pread(fd, text.data(), text.size() - 1, 0);
    const std::string line(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return line.substr(0, line.find('\n'));
}

/// The kernel lets go of the lock when its holder dies, however it dies.
util::Result<util::UniqueFd> take_lock(const std::string& path) {
    const std::string name = path + ".lock";
    util::UniqueFd lock(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.valid()) {
        return util::fail_errno(fmt::format("open {}", name));
    }
    if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return util::fail_errno(fmt::format("lock {}", name));
        }
        return util::fail(fmt::format(
            "another agent with the socket {} is running, pid {}; stop it first, or choose another "
            "--instance",
            path, first_line_of(lock.get())));
    }
    const auto pid = fmt::format("{}\n", getpid());
    if (ftruncate(lock.get(), 0) != 0 ||
        pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        return util::fail_errno(fmt::format("write {}", name));
    }
    return lock;
}

util::Result<void> remove_stale(const std::string& path) {
    struct stat found{};
    if (lstat(path.c_str(), &found) != 0) {
        return errno == ENOENT ? util::Result<void>{} : util::fail_errno("look at " + path);
    }
    if (!S_ISSOCK(found.st_mode)) {
        return util::fail(
            fmt::format("{} is no socket; remove it, or choose another --socket", path));
    }
    if (unlink(path.c_str()) != 0) {
        return util::fail_errno(fmt::format("remove the socket {} of an agent that ended", path));
    }
    return {};
}

util::Result<util::UniqueFd> bind_and_listen(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return util::fail(fmt::format("{} is too long for a socket", path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    util::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) {
        return util::fail_errno("create a unix socket");
    }
    const mode_t before = umask(0177);  // from its first moment nobody else may connect
    const int bound =
        bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    const int code = errno;
    umask(before);
    if (bound != 0) {
        return util::fail_errno(fmt::format("bind the socket {}", path), code);
    }
    if (listen(socket.get(), kBacklog) != 0) {
        return util::fail_errno(fmt::format("listen on {}", path));
    }
    return socket;
}

}  // namespace

SocketFile::SocketFile(std::string path, util::UniqueFd lock, util::UniqueFd socket)
    : path_(std::move(path)), lock_(std::move(lock)), socket_(std::move(socket)) {}

util::Result<SocketFile> SocketFile::listen_at(const std::string& path) {
    const auto directory = std::filesystem::path(path).parent_path();
    std::error_code error;
    if (!directory.empty()) {
        std::filesystem::create_directories(directory, error);
    }
    if (error) {
        return util::fail(fmt::format("create {}: {}", directory.string(), error.message()));
    }
    auto lock = take_lock(path);
    if (!lock) {
        return std::unexpected(lock.error());
    }
    if (auto removed = remove_stale(path); !removed) {
        return std::unexpected(removed.error());
    }
    auto socket = bind_and_listen(path);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    return SocketFile(path, std::move(*lock), std::move(*socket));
}

SocketFile::~SocketFile() {
    if (socket_.valid()) {
        unlink(path_.c_str());  // the lock's file stays: removing it would let two processes lock
    }
}

}  // namespace directfaas::control
