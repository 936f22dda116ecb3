// SPDX-License-Identifier: Apache-2.0
// How the parts are made and joined. What they tell of themselves is in wiring_report.cpp, how
// pods find their interfaces in wiring_pods.cpp.
#include "agent/wiring.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "lib/util/log.h"

namespace directfaas {
namespace {

constexpr std::chrono::milliseconds kSweepPeriod{250};
constexpr std::chrono::seconds kTickPeriod{1};
/// Every pod that is being made has its plugin waiting on the socket.
constexpr std::size_t kMaxClients = 256;
/// systemd hears "ready" at the latest after this, so that a manifest that is missing does not
/// hold up a boot; STATUS= says what is missing.
constexpr std::chrono::seconds kReadyPatience{20};

backend::Settings settings_from(const AgentOptions& options) {
    backend::Settings settings;
    settings.deny_silently = options.deny_silently;
    // On a cluster that takes knowing its kinds of policies first: follow_policies().
    settings.fast_path =
        options.fast_path == FastPathKind::kOn ||
        (options.fast_path == FastPathKind::kAuto && options.source == SourceKind::kDirectory);
    settings.tunnelled = options.tunnelled;
    settings.event_rate = options.event_rate;
    settings.budget_rate = options.budget_rate;
    settings.budget_burst = options.budget_burst;
    settings.budget_live = options.budget_live;
    settings.pod_networks = options.pod_networks;
    return settings;
}

}  // namespace

Agent::Agent(util::EventLoop& loop, const AgentOptions& options)
    : loop_(loop), options_(options), settings_(settings_from(options)) {}

util::Result<std::unique_ptr<Agent>> Agent::start(util::EventLoop& loop,
                                                  const AgentOptions& options,
                                                  const MakeBackend& make_backend) {
    std::unique_ptr<Agent> agent(new Agent(loop, options));
    agent->open_cni();
    // First of all: a second agent of this instance must not touch anything of the first.
    if (auto opened = agent->open_control(); !opened) {
        return std::unexpected(opened.error());
    }
    auto backend = make_backend();
    if (!backend) {
        return std::unexpected(backend.error());
    }
    agent->backend_ = std::move(*backend);
    if (auto configured = agent->backend_->configure(agent->settings_); !configured) {
        return std::unexpected(configured.error());
    }
    agent->open_sync();
    for (const auto step : {&Agent::open_links, &Agent::open_hold, &Agent::open_source,
                            &Agent::open_status, &Agent::run_parts}) {
        if (auto done = (*agent.*step)(); !done) {
            return std::unexpected(done.error());
        }
    }
    return agent;
}

Agent::~Agent() {
    status_.reset();  // its threads ask the others
    limits_.reset();  // its thread asks the switch
    if (watched_events_ >= 0) {
        loop_.unwatch(watched_events_);
    }
    for (const auto timer : timers_) {
        loop_.cancel(timer);
    }
    for (const auto& [id, waiting] : cni_waits_) {
        loop_.cancel(waiting.timer);
    }
}

util::Result<void> Agent::open_control() {
    auto control = control::Control::create(
        loop_, *this, {.socket = options_.socket, .limits = {.clients = kMaxClients}});
    if (!control) {
        return std::unexpected(control.error());
    }
    control_ = std::move(*control);
    return {};
}

void Agent::open_sync() {
    sync::SyncOptions options;
    options.seed = std::hash<std::string>{}(options_.instance);
    sync_ = std::make_unique<sync::Synchronizer>(
        loop_, *backend_,
        model::Model({.node_name = options_.node_name, .pod_networks = options_.pod_networks}),
        options);
    sync_->on_objects_changed([this] {
        refresh_pods();
        begin();
        settle_cni();
    });
    sync_->on_applied([this](const model::RuleDelta& delta, const model::RuleSet& rules) {
        hold_->rules_changed(delta, rules);
        settle_cni();
    });
}

util::Result<void> Agent::open_links() {
    auto links = links::PodLinks::create(
        loop_,
        [this](const std::string& pod, std::optional<links::FoundLink> link) {
            link_changed(pod, link);
        },
        {});
    if (!links) {
        return std::unexpected(links.error());
    }
    links_ = std::move(*links);
    return {};
}

util::Result<void> Agent::open_hold() {
    if (!options_.activator_exec.empty()) {
        auto activator = hold::ExecActivator::create(
            loop_, {.path = options_.activator_exec, .timeout = options_.activation_timeout});
        if (!activator) {
            return util::pass(activator.error(), "--activator-exec");
        }
        activator_ = std::move(*activator);
    }
    hold::HoldOptions options;
    options.deadline = options_.hold_deadline;
    options.max_per_function = options_.hold_max_per_function;
    options.max_total = options_.hold_max_total;
    hold_ = std::make_unique<hold::HoldQueue>(loop_, *backend_, activator_.get(), options);
    return {};
}

util::Result<void> Agent::open_status() {
    if (options_.http.port == 0) {
        return {};
    }
    auto server = status::StatusServer::create(
        loop_, *backend_,
        {.figures = [this] { return figures(); },
         .not_ready =
             [this] {
                 auto reasons = not_ready();
                 std::ranges::copy(bypasses(), std::back_inserter(reasons));
                 return reasons;
             }},
        {.host = options_.http.host, .port = options_.http.port});
    if (!server) {
        return std::unexpected(server.error());
    }
    status_ = std::move(*server);
    return {};
}

/// The whole state is known before anything is applied: the manifests, then the interfaces.
util::Result<void> Agent::run_parts() {
    if (auto started = source_->start(); !started) {
        return started;
    }
    if (auto started = links_->start(); !started) {
        return started;
    }
    take_pending_cni();
    refresh_pods();
    begin();
    if (!sync_->status().started) {
        util::log::warning(
            "{} is not read yet: what an earlier agent installed stays in force until it is",
            source_place_);
    }
    timers_.push_back(loop_.every(kTickPeriod, [this] { tick(); }));
    tick();
    return {};
}

/// Rules are applied, and held packets taken, only once all objects were read.
void Agent::begin() {
    if (sync_->status().started || !source_->complete()) {
        return;
    }
    sync_->start();
    auto watched = loop_.watch(backend_->event_fd(), EPOLLIN, [this](std::uint32_t) {
        backend_->drain({
            .flow = [this](const backend::FlowEvent& event) { control_->take(event); },
            .held = [this](backend::HeldPacket packet) { hold_->take(std::move(packet)); },
        });
    });
    if (!watched) {
        util::log::error("no events of the switch, and no held calls: {}", watched.error().text());
        return;
    }
    watched_events_ = backend_->event_fd();
    timers_.push_back(loop_.every(kSweepPeriod, [this] {
        if (auto swept = backend_->sweep(); !swept) {
            util::log::warning("connection table: {}", swept.error().text());
        }
    }));
}

void Agent::tick() {
    follow_policies();
    begin();
    take_pending_cni();
    settle_cni();
    publish_node_state();
    tell_events();
    const auto reasons = not_ready();
    drain_if_told(reasons.empty());
    report_to_systemd(reasons);
}

/// --drain: begins once the agent follows the cluster, or cannot.
void Agent::drain_if_told(bool ready) {
    const auto running = std::chrono::steady_clock::now() - started_;
    if (options_.drain.count() > 0 && (ready || running > kReadyPatience)) {
        control_->remove(options_.drain);
    }
}

void Agent::report_to_systemd(const std::vector<std::string>& reasons) {
    const auto running = std::chrono::steady_clock::now() - started_;
    const auto& rules = model().rules();
    std::string text = reasons.empty()
                           ? fmt::format("ready: {} functions and entries, {} pods attached",
                                         rules.identities.size(), rules.attachments.size())
                           : "not ready: " + reasons.front();
    std::string message;
    if (!told_ready_ && (reasons.empty() || running > kReadyPatience)) {
        told_ready_ = true;
        message += "READY=1\n";
    }
    if (std::exchange(ready_, reasons.empty()) != ready_) {
        util::log::info("{}", text);
    }
    if (text != told_status_) {
        message += "STATUS=" + text + "\n";
        told_status_ = std::move(text);
    }
    if (notice_.watchdog_period()) {
        message += "WATCHDOG=1\n";
    }
    if (message.empty()) {
        return;
    }
    if (auto sent = notice_.send(message); !sent) {
        util::log::debug("{}", sent.error().text());
    }
}

void Agent::rescan() {
    source_->rescan();
    sync_->compare();
}

util::Result<void> Agent::set_trace(bool on) {
    settings_.trace = on;
    return backend_->configure(settings_);
}

util::Result<void> Agent::set_drain(bool on) {
    settings_.drain = on;
    return backend_->configure(settings_);
}

}  // namespace directfaas
