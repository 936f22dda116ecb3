// SPDX-License-Identifier: Apache-2.0
// The HTTP ends. The only file here that sees cpp-httplib.
#include <httplib.h>

#include "test/support/servers.h"

namespace directfaas::support {

HttpServer::HttpServer(const Netns& netns, std::string name, std::uint16_t port)
    : server_(std::make_unique<httplib::Server>()) {
    server_->new_task_queue = [] { return new httplib::ThreadPool(4); };
    server_->Get("/", [this, name](const httplib::Request&, httplib::Response& response) {
        ++requests_;
        response.set_content(name, "text/plain");
    });
    // cpp-httplib makes this socket serve IPv4 too.
    if (!netns.run([&] { return server_->bind_to_port("::", port); })) {
        throw SupportError("HTTP server " + name + " cannot bind its port");
    }
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    wait_until([&] { return server_->is_running(); });
}

HttpServer::~HttpServer() {
    server_->stop();
    thread_.join();
}

util::Result<std::string> http_get(const Netns& netns, const SocketAddress& to,
                                   const std::string& path) {
    return netns.run([&]() -> util::Result<std::string> {
        httplib::Client client(to.ip.text(), to.port);
        client.set_connection_timeout(kPatience.count());
        client.set_read_timeout(kPatience.count());
        client.set_keep_alive(false);
        const auto answer = client.Get(path);
        if (!answer) {
            return util::fail("GET from " + to.text() + ": " + httplib::to_string(answer.error()));
        }
        if (answer->status != 200) {
            return util::fail("GET from " + to.text() + ": status " +
                              std::to_string(answer->status));
        }
        return answer->body;
    });
}

}  // namespace directfaas::support
