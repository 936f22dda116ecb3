// SPDX-License-Identifier: Apache-2.0
#include "agent/control/control.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "agent/control/checks.h"
#include "agent/control/words.h"
#include "lib/util/log.h"

namespace directfaas::control {
namespace {

constexpr double kDefaultDrainSeconds = 60;
constexpr double kMaxDrainSeconds = 3600;

std::expected<model::ObjectName, Refusal> pod_name(const std::string& text) {
    const auto slash = text.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) {
        return std::unexpected(Refusal{"bad_request", fmt::format("`{}` names no pod", text),
                                       "write it as namespace/name"});
    }
    return model::ObjectName{text.substr(0, slash), text.substr(slash + 1)};
}

/// Commands without fields, but for `installed` of `rules`.
Answer answer_at_once(AgentAccess& agent, const std::string& command, bool installed) {
    if (command == "status") {
        return answer_status(agent);
    }
    if (command == "check") {
        return Json{{"ok", true}, {"checks", checks_json(agent.backend().probe())}};
    }
    if (command == "functions") {
        return answer_functions(agent);
    }
    if (command == "rules") {
        return answer_rules(agent, installed);
    }
    if (command == "edges") {
        return answer_edges(agent);
    }
    return std::unexpected(
        Refusal{"bad_request", fmt::format("there is no command `{}`", command),
                "known: status, check, functions, rules, edges, explain, observe, attach, detach"});
}

}  // namespace

util::Result<std::unique_ptr<Control>> Control::create(util::EventLoop& loop, AgentAccess& agent,
                                                       const ControlOptions& options) {
    auto socket = SocketFile::listen_at(options.socket);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    std::unique_ptr<Control> control(new Control(loop, agent, std::move(*socket), options));
    auto* self = control.get();
    LineServer::Events events{
        .request = [self](ClientId client,
                          std::string_view line) { self->on_request(client, line); },
        .closed =
            [self](ClientId client) {
                self->events_.forget(client);
                self->update_trace();
            },
        .refusal = [](const char* code,
                      const std::string& why) { return to_line(refusal_json({code, why, ""})); },
    };
    auto server = LineServer::create(loop, self->socket_.fd(), options.limits, std::move(events));
    if (!server) {
        return std::unexpected(server.error());
    }
    control->server_ = std::move(*server);
    return control;
}

Control::Control(util::EventLoop& loop, AgentAccess& agent, SocketFile socket,
                 const ControlOptions& options)
    : agent_(agent),
      socket_(std::move(socket)),
      events_({.send = [this](ClientId id, const std::string& line) { server_->stream(id, line); },
               .finish =
                   [this](ClientId id) {
                       server_->finish(id);
                       update_trace();
                   }},
              options.remembered_events),
      removal_(loop, agent) {}

void Control::on_request(ClientId client, std::string_view line) {
    auto request = Request::parse(line);
    if (!request) {
        reply(client, std::unexpected(request.error()));
        return;
    }
    bool answered_later = false;
    const auto answer = dispatch(client, *request, answered_later);
    if (!answered_later) {
        reply(client, answer);
    }
}

void Control::reply(ClientId client, const Answer& answer) {
    server_->answer(client, to_line(answer ? *answer : refusal_json(answer.error())));
}

Answer Control::dispatch(ClientId client, Request& request, bool& answered_later) {
    const auto& command = request.command();
    if (command == "explain") {
        return explain(request);
    }
    if (command == "observe") {
        return observe(client, request, answered_later);
    }
    if (command == "attach") {
        return attach(request);
    }
    if (command == "detach") {
        return detach(client, request, answered_later);
    }
    if (command.starts_with("cni_")) {
        if (auto answer = cni(client, request, answered_later)) {
            return *std::move(answer);
        }
    }
    const bool installed = command == "rules" && request.flag("installed");
    if (auto wrong = request.wrong()) {
        return std::unexpected(*wrong);
    }
    return answer_at_once(agent_, command, installed);
}

Answer Control::explain(Request& request) {
    const auto from = request.text("from");
    const auto to = request.text("to");
    const auto port = request.number("port", 1, std::numeric_limits<std::uint16_t>::max());
    if (auto wrong = request.wrong_without({"from", "to"})) {
        return std::unexpected(*wrong);
    }
    return answer_explain(agent_, from, to,
                          port ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt);
}

Answer Control::observe(ClientId client, Request& request, bool& answered_already) {
    const bool follow = request.flag("follow");
    auto filter = EventFilter::parse(request.text("verdict"), request.text("reason"),
                                     request.text("from"), request.text("to"));
    const auto limit = request.number("limit", 1, 1e15);
    if (auto wrong = request.wrong()) {
        return std::unexpected(*wrong);
    }
    if (!filter) {
        return std::unexpected(filter.error());
    }
    if (!follow) {
        const auto most =
            limit ? static_cast<std::size_t>(*limit) : std::numeric_limits<std::size_t>::max();
        return Json{{"ok", true}, {"events", events_.recent(*filter, most)}};
    }
    answered_already = true;
    reply(client, Json{{"ok", true}});
    server_->begin_stream(client);
    events_.follow(client, std::move(*filter),
                   limit ? std::optional(static_cast<std::uint64_t>(*limit)) : std::nullopt);
    update_trace();
    return Json();
}

Answer Control::attach(Request& request) {
    const auto pod = request.text("pod");
    const auto interface_name = request.text("interface");
    if (auto wrong = request.wrong_without({"pod", "interface"})) {
        return std::unexpected(*wrong);
    }
    const auto name = pod_name(pod);
    if (!name) {
        return std::unexpected(name.error());
    }
    const auto ifindex = agent_.attach(*name, interface_name);
    if (!ifindex) {
        return std::unexpected(ifindex.error());
    }
    return Json{{"ok", true}, {"ifindex", *ifindex}};
}

void Control::remove(std::chrono::milliseconds timeout) {
    if (removal_.running()) {
        return;
    }
    removal_.start(timeout, [this](const Answer& answer) {
        if (answer) {
            agent_.end();
        } else {
            util::log::error("{}; {}", answer.error().error, answer.error().advice);
        }
    });
}

Answer Control::detach(ClientId client, Request& request, bool& answered_later) {
    const bool all = request.flag("all");
    const auto pod = request.text("pod");
    const auto seconds =
        request.number("timeout_seconds", 0, kMaxDrainSeconds).value_or(kDefaultDrainSeconds);
    if (auto wrong = all ? request.wrong() : request.wrong_without({"pod"})) {
        return std::unexpected(*wrong);
    }
    if (!all) {
        const auto name = pod_name(pod);
        if (!name) {
            return std::unexpected(name.error());
        }
        const auto detached = agent_.detach(*name);
        return detached ? Answer(Json{{"ok", true}}) : std::unexpected(detached.error());
    }
    if (!pod.empty()) {
        return std::unexpected(Refusal{"bad_request", "`pod` and `all` exclude each other", ""});
    }
    if (removal_.running()) {
        return std::unexpected(
            Refusal{"failed", "the agent is being removed already", "wait until it has ended"});
    }
    answered_later = true;
    removal_.start(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)),
                   [this, client](const Answer& answer) {
                       reply(client, answer);
                       if (answer) {
                           agent_.end();
                       }
                   });
    return Json();
}

/// Reports of allowed connections cost something on each, so they are on only while wanted.
void Control::update_trace() {
    const bool wanted = events_.allowed_wanted();
    if (wanted == tracing_) {
        return;
    }
    if (auto set = agent_.set_trace(wanted); !set) {
        util::log::error("report of allowed connections: {}", set.error().text());
        return;
    }
    tracing_ = wanted;
}

}  // namespace directfaas::control
