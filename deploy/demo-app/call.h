// SPDX-License-Identifier: Apache-2.0
// The demo's client: sends requests at a rate and says exactly what became of each.
#pragma once

#include <string>

namespace directfaas::demo {

struct CallOptions {
    std::string host;  // name or address, looked up as any program would
    int port = 9080;
    std::string path = "/ping";
    std::string source;         // bind to this address; empty: the kernel chooses
    int count = 1;              // 0: until SIGTERM
    double rate = 0;            // requests a second; 0: one after the other
    int timeout_ms = 40000;     // of one request
    bool show_answers = false;  // print the body of each answer
    bool keep = false;          // one connection for all requests; calling ends with it
};

/// One connection per request, unless it is kept. Prints one line:
/// `sent=N ok=N refused=N unreachable=N timeout=N failed=N p50_us=N p99_us=N answered_ns=N
/// by=name:N,name:N` where answered_ns is when the last answer came (CLOCK_MONOTONIC). Returns 0 if
/// all were ok.
int call(const CallOptions& options);

}  // namespace directfaas::demo
