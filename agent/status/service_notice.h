// SPDX-License-Identifier: Apache-2.0
// Tells systemd how the service is: sd_notify(3) without the library.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "lib/util/result.h"

namespace directfaas::status {

class ServiceNotice {
   public:
    /// Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment so that
    /// programs the agent starts do not speak for it. Not started by systemd: does nothing.
    static ServiceNotice from_environment();

    /// "READY=1", "STATUS=...", "WATCHDOG=1": one assignment a line.
    [[nodiscard]] util::Result<void> send(const std::string& assignments) const;
    /// How often systemd wants WATCHDOG=1 at least, halved as it advises.
    [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_period() const {
        return watchdog_period_;
    }

   private:
    std::string socket_;
    std::optional<std::chrono::microseconds> watchdog_period_;
};

}  // namespace directfaas::status
