// SPDX-License-Identifier: Apache-2.0
// /metrics and health of a program: the HTTP server, its thread, and the answers that every program
// gives alike.
#pragma once

#include <httplib.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lib/http/identity.h"
#include "lib/util/result.h"

namespace directfaas::http {

inline constexpr const char* kText = "text/plain; charset=utf-8";
/// Of Prometheus's text format 0.0.4.
inline constexpr const char* kMetricsText = "text/plain; version=0.0.4; charset=utf-8";

/// Give server() its handlers, then start(). Handlers run on threads of the server.
class Service {
   public:
    /// Over TLS, as `identity`, if there is one; it must outlive the service.
    explicit Service(Identity* identity = nullptr);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    /// Ends when the handlers that run have ended.
    ~Service();

    [[nodiscard]] httplib::Server& server() { return *server_; }
    /// Fails, naming address, port and the option that gave them, if they are taken.
    util::Result<void> start(const std::string& host, std::uint16_t port,
                             const std::string& option = "--http-listen");

   private:
    std::unique_ptr<httplib::Server> server_;
    std::thread thread_;
};

/// 503 with a reason.
void refuse(httplib::Response& response, const std::string& text);

/// The answer to /readyz: "ready", or 503 and a line for each reason; for nothing, the one of
/// `stalled`, which ends with a newline.
void answer_readiness(httplib::Response& response,
                      const std::optional<std::vector<std::string>>& reasons,
                      const std::string& stalled);

}  // namespace directfaas::http
