// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 client for benchmarks: several connections, one request under way on each.
#pragma once

#include <cstdint>
#include <vector>

#include "test/support/socket.h"

namespace directfaas::bench {

struct HttpLoad {
    unsigned connections = 1;
    unsigned requests = 1000;      // of all connections together
    std::size_t answer_bytes = 0;  // of each answer's body
    bool keep = true;              // false: a connection for each request, as many open at once
};

struct HttpFigures {
    double seconds = 0;                  // from the first request to the last answer
    std::vector<double> microseconds{};  // of each request; with its connect if it has its own
    std::uint64_t opened = 0;            // connections
};

/// Call it on a thread inside the client's namespace. Connections that are kept are opened, and
/// asked once, before the time counts. Throws support::SupportError.
HttpFigures run_http(const support::SocketAddress& to, const HttpLoad& load);

}  // namespace directfaas::bench
