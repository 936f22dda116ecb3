// SPDX-License-Identifier: Apache-2.0
// /metrics, /healthz and /readyz of the controller.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/http/identity.h"
#include "lib/util/event_loop.h"
#include "lib/util/result.h"

namespace directfaas::controller {

/// Where it listens.
struct HttpPlace {
    std::string host;
    std::uint16_t port = 0;
    std::string option;                  // that says so, for messages
    http::Identity* identity = nullptr;  // not null: TLS. Must outlive the server
};

/// Called on the loop's thread.
struct HttpSources {
    std::function<std::string()> metrics;
    /// Why the controller is not ready, a sentence each; empty when it is.
    std::function<std::vector<std::string>()> not_ready;
};

/// Create and destroy it on the loop's thread.
class HttpServer {
   public:
    /// Fails, naming address and port, if they are taken.
    static util::Result<std::unique_ptr<HttpServer>> create(util::EventLoop& loop,
                                                            HttpSources sources,
                                                            const HttpPlace& place);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

   private:
    struct State;
    explicit HttpServer(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace directfaas::controller
