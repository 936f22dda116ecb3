// SPDX-License-Identifier: Apache-2.0
// One connection to an agent's socket: JSON lines out and in (docs/control-protocol.md).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/watch.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cli {

/// Longest answer that is taken. `rules` of 10 000 functions with 10 instances each is a tenth of
/// it.
inline constexpr std::size_t kAnswerLimit = std::size_t{256} << 20U;

class Connection {
   public:
    /// Connects to a unix socket. The error's code is that of connect(2).
    static util::Result<Connection> open(const std::string& path);

    /// Sends one line. A peer that went away is an error, never a signal.
    util::Result<void> send_line(std::string line);

    /// The next line without its newline; nothing once the peer closed after a whole line. Errors:
    /// ETIMEDOUT when nothing came for `patience`, ECONNRESET when the peer closed within a line,
    /// EMSGSIZE beyond kAnswerLimit, ECANCELED when nobody wants the answer any more.
    util::Result<std::optional<std::string>> read_line(
        std::optional<std::chrono::milliseconds> patience, const Watch& watch = {});

   private:
    explicit Connection(util::UniqueFd fd) : fd_(std::move(fd)) {}
    util::Result<bool> fill(std::optional<std::chrono::milliseconds> patience, const Watch& watch);

    util::UniqueFd fd_;
    std::string buffer_;
    std::size_t start_ = 0;    // of the next line in buffer_
    std::size_t scanned_ = 0;  // no newline between start_ and here
};

}  // namespace directfaas::cli
