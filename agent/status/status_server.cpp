// SPDX-License-Identifier: Apache-2.0
#include "agent/status/status_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>
#include <utility>

#include "agent/status/metrics.h"
#include "lib/util/loop_question.h"

namespace directfaas::status {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kHeartbeat{500};
constexpr std::size_t kThreads = 4;
constexpr std::size_t kMaxRequestBytes = 64 << 10;
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr int kUnavailable = 503;

/// httplib's own choice, SO_REUSEPORT, would let two agents share a port and answer in turn.
void set_socket_options(int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

/// Writes a snapshot family by family.
void send_metrics(httplib::Response& response, Snapshot snapshot) {
    auto shared = std::make_shared<const Snapshot>(std::move(snapshot));
    response.set_chunked_content_provider(
        kMetricsText,
        [shared, next = std::size_t{0}](std::size_t, httplib::DataSink& sink) mutable {
            if (next == family_count()) {
                sink.done();
                return true;
            }
            const auto text =
                prometheus::TextSerializer().Serialize({make_family(next++, *shared)});
            return sink.write(text.data(), text.size());
        });
}

}  // namespace

struct StatusServer::State {
    util::EventLoop& loop;
    backend::Backend& backend;
    StatusSources sources;
    std::chrono::milliseconds stalled;
    util::LoopQuestions questions;
    std::atomic<Clock::rep> last_beat{Clock::now().time_since_epoch().count()};
    util::EventLoop::TimerId beat = 0;
    httplib::Server server;
    std::thread thread;

    State(util::EventLoop& the_loop, backend::Backend& the_backend, StatusSources the_sources,
          std::chrono::milliseconds the_stalled)
        : loop(the_loop),
          backend(the_backend),
          sources(std::move(the_sources)),
          stalled(the_stalled),
          questions(the_loop, the_stalled) {}

    void serve();
    void metrics(httplib::Response& response);
    void health(httplib::Response& response) const;
    void readiness(httplib::Response& response);
};

void StatusServer::State::serve() {
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server.set_socket_options(set_socket_options);
    // A kept connection would hold one of few threads.
    server.set_keep_alive_max_count(1);
    server.set_payload_max_length(kMaxRequestBytes);
    server.Get("/metrics", [this](const auto&, auto& response) { metrics(response); });
    server.Get("/healthz", [this](const auto&, auto& response) { health(response); });
    server.Get("/readyz", [this](const auto&, auto& response) { readiness(response); });
    server.Get("/", [](const auto&, auto& response) {
        response.set_content("directfaas-agent: /metrics /healthz /readyz\n", kText);
    });
}

void StatusServer::State::metrics(httplib::Response& response) {
    auto figures = questions.ask([this] { return sources.figures(); });
    auto counters = backend.counters();
    if (!figures || !counters) {
        response.status = kUnavailable;
        response.set_content(
            figures ? counters.error().text() + "\n" : "the agent's loop does not answer\n", kText);
        return;
    }
    send_metrics(response, {std::move(*counters), std::move(*figures)});
}

void StatusServer::State::health(httplib::Response& response) const {
    const auto silent = Clock::now() - Clock::time_point(Clock::duration(last_beat.load()));
    if (silent > stalled) {
        response.status = kUnavailable;
        response.set_content(
            fmt::format("the agent's loop has not turned for {} s\n",
                        std::chrono::duration_cast<std::chrono::seconds>(silent).count()),
            kText);
        return;
    }
    response.set_content("ok\n", kText);
}

void StatusServer::State::readiness(httplib::Response& response) {
    const auto reasons = questions.ask([this] { return sources.not_ready(); });
    if (reasons && reasons->empty()) {
        response.set_content("ready\n", kText);
        return;
    }
    std::string text;
    for (const auto& reason :
         reasons.value_or(std::vector<std::string>{"the agent's loop does not answer"})) {
        text += reason + "\n";
    }
    response.status = kUnavailable;
    response.set_content(text, kText);
}

StatusServer::StatusServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

util::Result<std::unique_ptr<StatusServer>> StatusServer::create(util::EventLoop& loop,
                                                                 backend::Backend& backend,
                                                                 StatusSources sources,
                                                                 const StatusOptions& options) {
    auto state = std::make_unique<State>(loop, backend, std::move(sources), options.stalled);
    auto* self = state.get();
    state->serve();
    errno = 0;
    if (!state->server.bind_to_port(options.host, options.port)) {
        return util::fail_errno(fmt::format(
            "listen on {}:{} for /metrics and health (--http-listen)", options.host, options.port));
    }
    state->beat = loop.every(kHeartbeat,
                             [self] { self->last_beat = Clock::now().time_since_epoch().count(); });
    state->thread = std::thread([self] { self->server.listen_after_bind(); });
    while (!state->server.is_running()) {
        std::this_thread::yield();  // stop() works only once it runs, which it does at once
    }
    return std::unique_ptr<StatusServer>(new StatusServer(std::move(state)));
}

StatusServer::~StatusServer() {
    state_->loop.cancel(state_->beat);
    state_->questions.close();
    state_->server.stop();
    state_->thread.join();
}

}  // namespace directfaas::status
