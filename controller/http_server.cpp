// SPDX-License-Identifier: Apache-2.0
#include "controller/http_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "lib/util/loop_question.h"

namespace directfaas::controller {
namespace {

/// Longest time the loop may take for an answer and still be healthy.
constexpr std::chrono::milliseconds kPatience{10000};
constexpr std::size_t kThreads = 4;
constexpr std::size_t kMaxRequestBytes = 64 << 10;
constexpr int kUnavailable = 503;
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kStalled = "the controller's loop does not answer\n";

void set_socket_options(int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

void refuse(httplib::Response& response, const std::string& text) {
    response.status = kUnavailable;
    response.set_content(text, kText);
}

}  // namespace

struct HttpServer::State {
    HttpSources sources;
    util::LoopQuestions questions;
    httplib::Server server;
    std::thread thread;

    State(util::EventLoop& loop, HttpSources the_sources)
        : sources(std::move(the_sources)), questions(loop, kPatience) {}

    void serve() {
        server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
        server.set_socket_options(set_socket_options);
        server.set_keep_alive_max_count(1);
        server.set_payload_max_length(kMaxRequestBytes);
        server.Get("/metrics", [this](const auto&, auto& response) {
            const auto text = questions.ask([this] { return sources.metrics(); });
            text ? response.set_content(*text, kMetricsText) : refuse(response, kStalled);
        });
        server.Get("/healthz", [this](const auto&, auto& response) {
            questions.ask([] { return true; }) ? response.set_content("ok\n", kText)
                                               : refuse(response, kStalled);
        });
        server.Get("/readyz", [this](const auto&, auto& response) { readiness(response); });
    }

    void readiness(httplib::Response& response) {
        const auto reasons = questions.ask([this] { return sources.not_ready(); });
        if (reasons && reasons->empty()) {
            response.set_content("ready\n", kText);
            return;
        }
        std::string text = reasons ? "" : kStalled;
        for (const auto& reason : reasons.value_or(std::vector<std::string>{})) {
            text += reason + "\n";
        }
        refuse(response, text);
    }
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

util::Result<std::unique_ptr<HttpServer>> HttpServer::create(util::EventLoop& loop,
                                                             HttpSources sources,
                                                             const std::string& host,
                                                             std::uint16_t port) {
    auto state = std::make_unique<State>(loop, std::move(sources));
    auto* self = state.get();
    state->serve();
    errno = 0;
    if (!state->server.bind_to_port(host, port)) {
        return util::fail_errno(
            fmt::format("listen on {}:{} for /metrics and health (--http-listen)", host, port));
    }
    state->thread = std::thread([self] { self->server.listen_after_bind(); });
    while (!state->server.is_running()) {
        std::this_thread::yield();  // stop() works only once it runs, which it does at once
    }
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() {
    state_->questions.close();
    state_->server.stop();
    state_->thread.join();
}

}  // namespace directfaas::controller
