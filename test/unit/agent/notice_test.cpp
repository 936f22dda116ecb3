// SPDX-License-Identifier: Apache-2.0
// What systemd hears.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "agent/status/service_notice.h"
#include "lib/util/unique_fd.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas::status {
namespace {

/// systemd's end.
class NotifySocket {
   public:
    explicit NotifySocket(const std::string& path)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        if (path.front() == '@') {
            address.sun_path[0] = '\0';
        }
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        bound_ = bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0;
        setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    [[nodiscard]] bool bound() const { return bound_; }
    std::string heard() const {
        char buffer[256];
        const auto size = recv(socket_.get(), buffer, sizeof(buffer), 0);
        return {buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
    }

   private:
    util::UniqueFd socket_;
    bool bound_ = false;
};

TEST(ServiceNotice, SaysNothingWithoutSystemd) {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    const auto notice = ServiceNotice::from_environment();
    EXPECT_TRUE(notice.send("READY=1"));
    EXPECT_EQ(notice.watchdog_period(), std::nullopt);
}

TEST(ServiceNotice, ReachesAPathAndAnAbstractName) {
    const agent_test::TempDir dir;
    for (const auto& path : {dir.file("notify"), "@df-notice-" + std::to_string(getpid())}) {
        const NotifySocket systemd(path);
        ASSERT_TRUE(systemd.bound());
        const auto notice = ServiceNotice::from_environment();
        EXPECT_TRUE(notice.send("READY=1\nSTATUS=well\n"));
        EXPECT_EQ(systemd.heard(), "READY=1\nSTATUS=well\n");
        EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr) << "an activator must not speak for the agent";
    }
}

TEST(ServiceNotice, WatchdogIsForItsProcessAndFedTwiceAsOften) {
    setenv("WATCHDOG_USEC", "10000000", 1);
    setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
    EXPECT_EQ(ServiceNotice::from_environment().watchdog_period(), std::chrono::seconds(5));
    setenv("WATCHDOG_USEC", "10000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    EXPECT_EQ(ServiceNotice::from_environment().watchdog_period(), std::nullopt);
}

TEST(ServiceNotice, ADeadSystemdIsAnErrorNotAHang) {
    const agent_test::TempDir dir;
    setenv("NOTIFY_SOCKET", dir.file("nobody").c_str(), 1);
    EXPECT_FALSE(ServiceNotice::from_environment().send("READY=1"));
}

}  // namespace
}  // namespace directfaas::status
