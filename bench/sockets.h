// SPDX-License-Identifier: Apache-2.0
// Blocking TCP sockets without delay, for clients and servers that are measured.
#pragma once

#include <cstdint>

#include "lib/util/unique_fd.h"
#include "test/support/netns.h"
#include "test/support/socket.h"

namespace directfaas::bench {

/// Listens in `netns`, for both families. Throws support::SupportError, as the other does.
util::UniqueFd listen_in(const support::Netns& netns, std::uint16_t port);

/// A connection from the calling thread's namespace.
util::UniqueFd connect_to(const support::SocketAddress& to);

void set_no_delay(int fd);

}  // namespace directfaas::bench
