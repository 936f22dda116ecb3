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
    if (auto served = controller->serve(options); !served) {
        return std::unexpected(served.error());
    }
    controller->watch_all();
    controller->timers_.push_back(loop.every(kCompare, [self] { self->evaluate_soon(); }));
    controller->timers_.push_back(loop.every(kNodeCheck, [self] { self->forget_nodes(); }));
    return controller;
}

util::Result<void> Controller::serve(const Options& options) {
    const HttpSources sources{.metrics = [this] { return metrics(); },
                              .not_ready = [this] { return not_ready(); }};
    auto http = HttpServer::create(
        loop_, sources,
        {.host = options.http_host, .port = options.http_port, .option = "--http-listen"});
    if (!http) {
        return std::unexpected(http.error());
    }
    http_ = std::move(*http);
    if (options.https_port == 0) {
        return {};
    }
    auto https = HttpServer::create(loop_, sources,
                                    {.host = options.https_host,
                                     .port = options.https_port,
                                     .option = "--https-listen",
                                     .identity = &identity_});
    if (!https) {
        return std::unexpected(https.error());
    }
    https_ = std::move(*https);
    const std::string service = "directfaas-controller." + options.lease_ns;
    std::vector<std::string> names{service + ".svc", service, "directfaas-controller"};
    names.insert(names.end(), options.https_names.begin(), options.https_names.end());
    ca_ = std::make_unique<CaKeeper>(
        make_transport_(),
        CaOptions{.ns = options.lease_ns, .name = options.ca, .server_names = std::move(names)},
        [this](const Certified& own) {
            if (auto set = identity_.set(own.certificate, own.key); !set) {
                util::log::error("{}", set.error().text());
            }
        });
    return {};
}

Controller::~Controller() {
    *alive_ = false;
    http_.reset();
    https_.reset();
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

void Controller::watch_entries() {
    const auto wanted = entries_.resources();
    for (auto it = entry_watches_.begin(); it != entry_watches_.end();) {
        if (wanted.contains(it->first)) {
            ++it;
            continue;
        }
        const auto shown = std::move(entry_pods_[it->first]);
        entry_pods_.erase(it->first);
        it = entry_watches_.erase(it);
        for (const auto& key : shown) {
            forget_pod(key);
        }
    }
    for (const auto& resource : wanted) {
        if (!entry_watches_.contains(resource)) {
            entry_watches_[resource] = watch<PodPlace>(
                resource, read_pod_place,
                [this, resource](const kube::ObjectKey& key, std::optional<PodPlace> pod) {
                    take_pod(resource, key, std::move(pod));
                });
        }
    }
}

void Controller::take_pod(const kube::Resource& shown_by, const kube::ObjectKey& key,
                          std::optional<PodPlace> pod) {
    if (pod) {
        entry_pods_[shown_by].insert(key);
        cluster_.put_pod(key, std::move(pod));
    } else {
        entry_pods_[shown_by].erase(key);
        forget_pod(key);
    }
}

/// Unless another watch shows it.
void Controller::forget_pod(const kube::ObjectKey& key) {
    const bool shown = std::ranges::any_of(
        entry_pods_, [&](const auto& watch) { return watch.second.contains(key); });
    if (!shown) {
        cluster_.put_pod(key, std::nullopt);
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
        writer_->wish("DirectFaaSNode " + node, [name = node](kube::Client& client) {
            auto found = client.get("/api/v1/nodes/" + kube::url_encoded(name));
            return found || !found.error().not_found()
                       ? found
                       : client.remove(kube::object_path(kube::node_states(), name));
        });
    }
}

}  // namespace directfaas::controller
