// SPDX-License-Identifier: Apache-2.0
#include "lib/http/service.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

namespace directfaas::http {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kMaxRequestBytes = 64 << 10;
constexpr int kUnavailable = 503;

/// httplib's own choice, SO_REUSEPORT, would let two programs share a port and answer in turn.
void set_socket_options(int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

std::unique_ptr<httplib::Server> make_server(Identity* identity) {
    if (identity == nullptr) {
        return std::make_unique<httplib::Server>();
    }
    return std::make_unique<httplib::SSLServer>([identity](SSL_CTX& context) {
        identity->join(context);
        return true;
    });
}

}  // namespace

Service::Service(Identity* identity) : server_(make_server(identity)) {
    server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_->set_socket_options(set_socket_options);
    // A kept connection would hold one of few threads.
    server_->set_keep_alive_max_count(1);
    server_->set_payload_max_length(kMaxRequestBytes);
}

util::Result<void> Service::start(const std::string& host, std::uint16_t port,
                                  const std::string& option) {
    errno = 0;
    if (!server_->bind_to_port(host, port)) {
        return util::fail_errno(
            fmt::format("listen on {}:{} for /metrics and health ({})", host, port, option));
    }
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) {
        std::this_thread::yield();  // stop() works only once it runs, which it does at once
    }
    return {};
}

Service::~Service() {
    if (thread_.joinable()) {
        server_->stop();
        thread_.join();
    }
}

void refuse(httplib::Response& response, const std::string& text) {
    response.status = kUnavailable;
    response.set_content(text, kText);
}

void answer_readiness(httplib::Response& response,
                      const std::optional<std::vector<std::string>>& reasons,
                      const std::string& stalled) {
    if (reasons && reasons->empty()) {
        response.set_content("ready\n", kText);
        return;
    }
    std::string text = reasons ? "" : stalled;
    for (const auto& reason : reasons.value_or(std::vector<std::string>{})) {
        text += reason + "\n";
    }
    refuse(response, text);
}

}  // namespace directfaas::http
