// SPDX-License-Identifier: Apache-2.0
// Connecting to the sockets of Open vSwitch, and waiting on them with a deadline.
#pragma once

#include <chrono>
#include <string>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ovs {

/// A connected, non-blocking stream socket.
util::Result<util::UniqueFd> connect_unix(const std::string& path);
/// Waits until `events` (POLL*) can be served; fails at the deadline.
util::Result<void> wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline);

}  // namespace directfaas::backend::ovs
