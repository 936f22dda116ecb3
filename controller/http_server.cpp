// SPDX-License-Identifier: Apache-2.0
#include "controller/http_server.h"

#include <utility>

#include "lib/http/service.h"
#include "lib/util/loop_question.h"

namespace directfaas::controller {
namespace {

/// Longest time the loop may take for an answer and still be healthy.
constexpr std::chrono::milliseconds kPatience{10000};
constexpr const char* kStalled = "the controller's loop does not answer\n";

}  // namespace

struct HttpServer::State {
    HttpSources sources;
    util::LoopQuestions questions;
    http::Service service;  // its threads use the above

    State(util::EventLoop& loop, HttpSources the_sources, http::Identity* identity)
        : sources(std::move(the_sources)), questions(loop, kPatience), service(identity) {}

    void serve() {
        auto& server = service.server();
        server.Get("/metrics", [this](const auto&, auto& response) {
            const auto text = questions.ask([this] { return sources.metrics(); });
            text ? response.set_content(*text, http::kMetricsText)
                 : http::refuse(response, kStalled);
        });
        server.Get("/healthz", [this](const auto&, auto& response) {
            questions.ask([] { return true; }) ? response.set_content("ok\n", http::kText)
                                               : http::refuse(response, kStalled);
        });
        server.Get("/readyz", [this](const auto&, auto& response) {
            http::answer_readiness(response, questions.ask([this] { return sources.not_ready(); }),
                                   kStalled);
        });
    }
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

util::Result<std::unique_ptr<HttpServer>> HttpServer::create(util::EventLoop& loop,
                                                             HttpSources sources,
                                                             const HttpPlace& place) {
    auto state = std::make_unique<State>(loop, std::move(sources), place.identity);
    state->serve();
    if (auto started = state->service.start(place.host, place.port, place.option); !started) {
        return std::unexpected(started.error());
    }
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() { state_->questions.close(); }

}  // namespace directfaas::controller
