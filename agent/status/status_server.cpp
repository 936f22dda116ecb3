// SPDX-License-Identifier: Apache-2.0
#include "agent/status/status_server.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <utility>

#include "agent/status/metrics.h"
#include "lib/http/service.h"
#include "lib/util/loop_question.h"

namespace directfaas::status {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kHeartbeat{500};
constexpr const char* kStalled = "the agent's loop does not answer\n";

/// Writes a snapshot family by family.
void send_metrics(httplib::Response& response, Snapshot snapshot) {
    auto shared = std::make_shared<const Snapshot>(std::move(snapshot));
    response.set_chunked_content_provider(
        http::kMetricsText,
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
    http::Service service;  // its threads use the above

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
    auto& server = service.server();
    server.Get("/metrics", [this](const auto&, auto& response) { metrics(response); });
    server.Get("/healthz", [this](const auto&, auto& response) { health(response); });
    server.Get("/readyz", [this](const auto&, auto& response) { readiness(response); });
    server.Get("/", [](const auto&, auto& response) {
        response.set_content("directfaas-agent: /metrics /healthz /readyz\n", http::kText);
    });
}

void StatusServer::State::metrics(httplib::Response& response) {
    auto figures = questions.ask([this] { return sources.figures(); });
    auto counters = backend.counters();
    if (!figures || !counters) {
        http::refuse(response, figures ? counters.error().text() + "\n" : kStalled);
        return;
    }
    send_metrics(response, {std::move(*counters), std::move(*figures)});
}

void StatusServer::State::health(httplib::Response& response) const {
    const auto silent = Clock::now() - Clock::time_point(Clock::duration(last_beat.load()));
    if (silent > stalled) {
        http::refuse(response,
                     fmt::format("the agent's loop has not turned for {} s\n",
                                 std::chrono::duration_cast<std::chrono::seconds>(silent).count()));
        return;
    }
    response.set_content("ok\n", http::kText);
}

void StatusServer::State::readiness(httplib::Response& response) {
    http::answer_readiness(response, questions.ask([this] { return sources.not_ready(); }),
                           kStalled);
}

StatusServer::StatusServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

util::Result<std::unique_ptr<StatusServer>> StatusServer::create(util::EventLoop& loop,
                                                                 backend::Backend& backend,
                                                                 StatusSources sources,
                                                                 const StatusOptions& options) {
    auto state = std::make_unique<State>(loop, backend, std::move(sources), options.stalled);
    auto* self = state.get();
    state->serve();
    if (auto started = state->service.start(options.host, options.port); !started) {
        return std::unexpected(started.error());
    }
    state->beat = loop.every(kHeartbeat,
                             [self] { self->last_beat = Clock::now().time_since_epoch().count(); });
    return std::unique_ptr<StatusServer>(new StatusServer(std::move(state)));
}

StatusServer::~StatusServer() {
    state_->loop.cancel(state_->beat);
    state_->questions.close();
}

}  // namespace directfaas::status
