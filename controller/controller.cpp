// SPDX-License-Identifier: Apache-2.0
#include "controller/controller.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/util/log.h"

namespace directfaas::controller {
namespace {

using kube::Kind;

constexpr const char* kManager = "directfaas-controller";
constexpr std::size_t kMaxEntryWatches = 16;
/// What changes in this time is told together.
constexpr std::chrono::milliseconds kGather{200};
/// What was not written, or was changed by somebody else, is found at the latest after this.
constexpr std::chrono::seconds kCompare{10};
/// A node's object that has not changed for so long may be one whose node is gone.
constexpr std::chrono::minutes kNodeSilent{15};
constexpr std::chrono::minutes kNodeCheck{5};

std::string now_text() {
    return fmt::format(
        "{:%Y-%m-%dT%H:%M:%SZ}",
        fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

kube::ElectionOptions election(const Options& options) {
    return {.ns = options.lease_ns,
            .name = options.lease,
            .identity = options.identity,
            .lease = options.lease_duration,
            .deadline = options.lease_duration * 2 / 3,
            .retry = options.lease_duration * 2 / 15};
}

}  // namespace

Controller::Controller(util::EventLoop& loop, const Options& options,
                       kube::MakeTransport make_transport, std::string url)
    : loop_(loop),
      make_transport_(std::move(make_transport)),
      url_(std::move(url)),
      entries_("", kMaxEntryWatches) {
    events_ = std::make_unique<kube::EventRecorder>(
        make_transport_(),
        kube::EventOptions{.controller = "directfaas.io/controller", .instance = options.identity});
    leader_ = std::make_unique<Leader>(make_transport_(), election(options), [this](bool) {
        loop_.post([this, alive = alive_] {
            if (*alive) {
                evaluate_soon();
            }
        });
    });
    writer_ = std::make_unique<Writer>(make_transport_(), [this] { return leader_->leads(); });
}

util::Result<std::unique_ptr<Controller>> Controller::start(util::EventLoop& loop,
                                                            const Options& options,
                                                            kube::MakeTransport make_transport,
                                                            std::string url) {
    std::unique_ptr<Controller> controller(
        new Controller(loop, options, std::move(make_transport), std::move(url)));
    auto* self = controller.get();
    auto http = HttpServer::create(loop,
                                   {.metrics = [self] { return self->metrics(); },
                                    .not_ready = [self] { return self->not_ready(); }},
                                   options.http_host, options.http_port);
    if (!http) {
        return std::unexpected(http.error());
    }
    controller->http_ = std::move(*http);
    controller->watch_all();
    controller->timers_.push_back(loop.every(kCompare, [self] { self->evaluate_soon(); }));
    controller->timers_.push_back(loop.every(kNodeCheck, [self] { self->forget_nodes(); }));
    return controller;
}

Controller::~Controller() {
    *alive_ = false;
    http_.reset();
    for (const auto timer : timers_) {
        loop_.cancel(timer);
    }
    if (evaluation_) {
        loop_.cancel(*evaluation_);
    }
}

template <typename T>
std::unique_ptr<kube::InformerState> Controller::watch(
    kube::Resource resource, std::function<T(const kube::RawObject&)> decode,
    std::function<void(const kube::ObjectKey&, std::optional<T>)> put) {
    return std::make_unique<kube::Informer<T>>(
        loop_, make_transport_(), std::move(resource), kube::ReflectorOptions{}, std::move(decode),
        [this, put = std::move(put)](std::vector<kube::Change<T>> changes) {
            for (auto& change : changes) {
                put(change.key, std::move(change.object));
            }
            evaluate_soon();
        });
}

void Controller::watch_all() {
    watches_.push_back(watch<ChainObject>(
        kube::resource_of(Kind::kFunctionChain), read_chain,
        [this](const kube::ObjectKey& key, std::optional<ChainObject> chain) {
            entries_.take(
                {.key = key, .object = chain ? std::optional(chain->model) : std::nullopt});
            cluster_.put_chain(key, std::move(chain));
            watch_entries();
        }));
    watches_.push_back(watch<kube::ModelObject>(
        kube::resource_of(Kind::kService),
        [](const kube::RawObject& raw) { return kube::to_model(Kind::kService, raw); },
        [this](const kube::ObjectKey& key, std::optional<kube::ModelObject> service) {
            cluster_.put_service(key, std::move(service));
        }));
    auto slices = kube::resource_of(Kind::kEndpointSlice);
    slices.label_selector = "kubernetes.io/service-name";
    watches_.push_back(
        watch<SliceObject>(std::move(slices), read_slice,
                           [this](const kube::ObjectKey& key, std::optional<SliceObject> slice) {
                               cluster_.put_slice(key, std::move(slice));
                           }));
    watches_.push_back(watch<kube::NodeStateObject>(
        kube::node_states(), kube::read_node_state,
        [this](const kube::ObjectKey& key, std::optional<kube::NodeStateObject> node) {
            if (node) {
                node_seen_[key.name] = Clock::now();
            } else {
                node_seen_.erase(key.name);
            }
            cluster_.put_node(key.name,
                              node ? std::optional(std::move(node->state)) : std::nullopt);
        }));
}

/// A pod that leaves one watch and stays in another is put again by the latter's next event, or
/// compared away at the latest when it changes: entries are few and long-lived.
void Controller::watch_entries() {
    const auto wanted = entries_.resources();
    std::erase_if(entry_watches_, [&](const auto& watch) { return !wanted.contains(watch.first); });
    for (const auto& resource : wanted) {
        if (!entry_watches_.contains(resource)) {
            entry_watches_[resource] =
                watch<PodPlace>(resource, read_pod_place,
                                [this](const kube::ObjectKey& key, std::optional<PodPlace> pod) {
                                    cluster_.put_pod(key, std::move(pod));
                                });
        }
    }
}

bool Controller::complete() const {
    return std::ranges::all_of(watches_, [](const auto& watch) { return watch->synced(); }) &&
           std::ranges::all_of(entry_watches_,
                               [](const auto& watch) { return watch.second->synced(); });
}

void Controller::evaluate_soon() {
    if (!evaluation_) {
        evaluation_ = loop_.after(kGather, [this] {
            evaluation_.reset();
            evaluate();
        });
    }
}

/// Nothing is judged before everything was read: a chain is not wrong because its Service is the
/// last to come.
void Controller::evaluate() {
    if (!complete()) {
        return;
    }
    cluster_.settle();
    const auto due = cluster_.due(now_text());
    if (!leader_->leads()) {
        return;
    }
    for (const auto& chain : due) {
        writer_->wish(
            "status of FunctionChain " + chain.key.text(),
            [path = status_path(chain.key), text = status_text(chain.key, chain.uid, chain.now)](
                kube::Client& client) { return client.apply(path, kManager, text); });
        tell(chain);
    }
}

/// An event for each condition that has changed its status, but for the first "not yet".
void Controller::tell(const Cluster::Due& due) {
    for (const auto& condition : due.now.conditions) {
        const auto* before = due.before.condition(condition.type);
        const bool same = before != nullptr && before->status == condition.status &&
                          before->reason == condition.reason;
        if (same || condition.status == "Unknown" || condition.reason == "Pending" ||
            condition.reason == "NotAccepted" || condition.reason == "NoPods") {
            continue;
        }
        events_->record({.api_version = "directfaas.io/v1alpha1",
                         .kind = "FunctionChain",
                         .ns = due.key.ns,
                         .name = due.key.name,
                         .uid = due.uid,
                         .type = condition.status == "True" ? kube::Event::Type::kNormal
                                                            : kube::Event::Type::kWarning,
                         .reason = condition.reason,
                         .action = "Judge",
                         .note = condition.message});
    }
}

/// Objects of nodes that are no more.
void Controller::forget_nodes() {
    if (!leader_->leads()) {
        return;
    }
    for (const auto& [node, seen] : node_seen_) {
        if (Clock::now() - seen < kNodeSilent) {
            continue;
        }
        writer_->wish("DirectFaaSNode " + node, [node = node](kube::Client& client) {
            auto found = client.get("/api/v1/nodes/" + kube::url_encoded(node));
            return found || !found.error().not_found()
                       ? found
                       : client.remove(kube::object_path(kube::node_states(), node));
        });
    }
}

std::vector<std::string> Controller::not_ready() const {
    std::vector<std::string> reasons;
    const auto look = [&](const kube::InformerState& watch) {
        if (!watch.synced()) {
            const auto trouble = watch.status().trouble;
            reasons.push_back(fmt::format("{}{} was not read yet{}{}", url_, watch.resource().path,
                                          trouble.empty() ? "" : ": ", trouble));
        }
    };
    for (const auto& watch : watches_) {
        look(*watch);
    }
    for (const auto& [resource, watch] : entry_watches_) {
        look(*watch);
    }
    return reasons;
}

std::string Controller::metrics() const {
    std::string text;
    const auto add = [&](const char* type, const char* name, const char* help, auto value) {
        text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
    };
    const auto& figures = cluster_.figures();
    const auto written = writer_->counters();
    const auto events = events_->counters();
    text += fmt::format(
        "# HELP directfaas_build_info Version of this program.\n"
        "# TYPE directfaas_build_info gauge\n"
        "directfaas_build_info{{version=\"{}\",component=\"controller\"}} 1\n",
        DF_VERSION);
    add("gauge", "directfaas_controller_leader", "1 if this replica leads.",
        leader_->leads() ? 1 : 0);
    add("gauge", "directfaas_chains", "FunctionChains.", figures.chains);
    add("gauge", "directfaas_chains_accepted", "Chains whose newest generation is in force.",
        figures.accepted);
    add("gauge", "directfaas_chains_resolved", "Chains whose functions can all be called.",
        figures.resolved);
    add("gauge", "directfaas_chains_programmed",
        "Chains whose newest generation is on every node with a pod of theirs.",
        figures.programmed);
    add("gauge", "directfaas_nodes", "Nodes whose agent has reported.", figures.nodes);
    add("gauge", "directfaas_nodes_ready", "Nodes whose agent has all rules in force.",
        figures.nodes_ready);
    add("counter", "directfaas_controller_writes_total", "Writes that the apiserver took.",
        written.written);
    add("counter", "directfaas_controller_write_failures_total", "Writes that it did not take.",
        written.failed);
    add("counter", "directfaas_controller_events_total", "Events that were sent.", events.sent);
    text +=
        "# HELP directfaas_watch_relists_total Lists that were read again, by reason.\n"
        "# TYPE directfaas_watch_relists_total counter\n";
    for (const auto& watch : watches_) {
        for (const auto& [reason, count] : watch->status().relists) {
            text +=
                fmt::format("directfaas_watch_relists_total{{resource=\"{}\",reason=\"{}\"}} {}\n",
                            watch->resource().path, reason, count);
        }
    }
    return text;
}

}  // namespace directfaas::controller
