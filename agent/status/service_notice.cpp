// SPDX-License-Identifier: Apache-2.0
#include "agent/status/service_notice.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "lib/util/number.h"
#include "lib/util/unique_fd.h"

namespace directfaas::status {
namespace {

std::string take_variable(const char* name) {
    const char* value = std::getenv(name);
    std::string copy = value == nullptr ? "" : value;
    unsetenv(name);
    return copy;
}

}  // namespace

ServiceNotice ServiceNotice::from_environment() {
    ServiceNotice notice;
    notice.socket_ = take_variable("NOTIFY_SOCKET");
    const auto period =
        util::parse_number<std::int64_t>(take_variable("WATCHDOG_USEC")).value_or(0);
    const auto pid = take_variable("WATCHDOG_PID");
    if (period > 0 && (pid.empty() || util::parse_number<pid_t>(pid) == getpid())) {
        notice.watchdog_period_ = std::chrono::microseconds(period / 2);
    }
    return notice;
}

util::Result<void> ServiceNotice::send(const std::string& assignments) const {
    if (socket_.empty()) {
        return {};
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.size() >= sizeof(address.sun_path)) {
        return util::fail("NOTIFY_SOCKET is too long for a socket");
    }
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_.front() == '@') {
        address.sun_path[0] = '\0';  // abstract
    }
    const util::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    if (!socket.valid() ||
        sendto(socket.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length) < 0) {
        return util::fail_errno("notify systemd at " + socket_);
    }
    return {};
}

}  // namespace directfaas::status
