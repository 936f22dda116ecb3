// SPDX-License-Identifier: Apache-2.0
#include "deploy/demo-app/serve.h"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <fstream>
#include <limits>
#include <thread>

namespace directfaas::demo {
namespace {

constexpr int kTimeoutSeconds = 40;  // longer than a held call may take

/// What a function says when it has asked the functions it depends on.
std::string page(const ServeOptions& options) {
    std::string text = options.name;
    std::string below;
    for (const auto& callee : options.calls) {
        httplib::Client client(callee, options.port);
        client.set_connection_timeout(kTimeoutSeconds);
        client.set_read_timeout(kTimeoutSeconds);
        const auto answer = client.Get("/page");
        below += (below.empty() ? "" : ", ") +
                 (answer ? answer->body
                         : fmt::format("{}: {}", callee, httplib::to_string(answer.error())));
    }
    return below.empty() ? text : fmt::format("{}({})", text, below);
}

void note_listening(const std::string& file) {
    if (!file.empty()) {
        std::ofstream(file) << std::chrono::steady_clock::now().time_since_epoch().count() << "\n";
    }
}

int listen_on(httplib::Server& server, int port, const std::string& listening_file) {
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(std::numeric_limits<std::size_t>::max());
    if (!server.bind_to_port("::", port)) {
        fmt::print(stderr, "cannot listen on port {}: is it in use?\n", port);
        return 1;
    }
    note_listening(listening_file);
    return server.listen_after_bind() ? 0 : 1;
}

}  // namespace

int serve(const ServeOptions& options) {
    std::this_thread::sleep_for(std::chrono::milliseconds(options.delay_ms));
    httplib::Server server;
    server.Get("/ping", [&](const httplib::Request&, httplib::Response& response) {
        response.set_content(options.name, "text/plain");
    });
    server.Get("/page", [&](const httplib::Request&, httplib::Response& response) {
        response.set_content(page(options), "text/plain");
    });
    return listen_on(server, options.port, options.listening_file);
}

int gateway(int port, const std::string& target) {
    httplib::Server server;
    server.Get(".*", [&](const httplib::Request& request, httplib::Response& response) {
        httplib::Client client("http://" + target);
        client.set_tcp_nodelay(true);
        client.set_connection_timeout(kTimeoutSeconds);
        client.set_read_timeout(kTimeoutSeconds);
        if (const auto answer = client.Get(request.path)) {
            response.status = answer->status;
            response.set_content(answer->body, "text/plain");
        } else {
            response.status = 502;
            response.set_content(httplib::to_string(answer.error()), "text/plain");
        }
    });
    return listen_on(server, port, "");
}

}  // namespace directfaas::demo
