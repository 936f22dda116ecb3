// SPDX-License-Identifier: Apache-2.0
// The servers of the demo: a Bookinfo function, and a gateway as the classic platforms have it.
#pragma once

#include <string>
#include <vector>

namespace directfaas::demo {

struct ServeOptions {
    std::string name;  // what the answer calls itself
    int port = 9080;
    std::vector<std::string> calls;  // functions this one calls by name for each page
    int delay_ms = 0;                // a slow start: time before it listens
    std::string listening_file;      // gets the time (ns, CLOCK_MONOTONIC) it began to listen
};

/// Serves /ping (answers with its name) and /page (calls others, answers with the whole tree) until
/// it is ended by a signal. Returns an exit status.
int serve(const ServeOptions& options);

/// Forwards every request to `target` ("host:port"), one connection a request, as the proxies of
/// FaaS gateways do by default.
int gateway(int port, const std::string& target);

}  // namespace directfaas::demo
