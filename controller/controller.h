// SPDX-License-Identifier: Apache-2.0
// The controller: watches → Cluster → statuses and events, written by whoever of its replicas
// leads. The others watch as well, so that a takeover has nothing to read first.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/ca/ca_keeper.h"
#include "controller/cluster.h"
#include "controller/http_server.h"
#include "controller/leader.h"
#include "controller/options.h"
#include "controller/writer.h"
#include "lib/http/identity.h"
#include "lib/kube/entry_pods.h"
#include "lib/kube/events.h"
#include "lib/kube/informer.h"
#include "lib/util/event_loop.h"

namespace directfaas::controller {

/// On the loop's thread.
class Controller {
   public:
    /// `url` names the apiserver in messages.
    static util::Result<std::unique_ptr<Controller>> start(util::EventLoop& loop,
                                                           const Options& options,
                                                           kube::MakeTransport make_transport,
                                                           std::string url);
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;
    /// Gives the lead back.
    ~Controller();

   private:
    using Clock = std::chrono::steady_clock;

    Controller(util::EventLoop& loop, const Options& options, kube::MakeTransport make_transport,
               std::string url);

    util::Result<void> serve(const Options& options);

    template <typename T>
    std::unique_ptr<kube::InformerState> watch(
        kube::Resource resource, std::function<T(const kube::RawObject&)> decode,
        std::function<void(const kube::ObjectKey&, std::optional<T>)> put);
    void watch_all();
    void watch_entries();
    void take_pod(const kube::Resource& shown_by, const kube::ObjectKey& key,
                  std::optional<PodPlace> pod);
    void forget_pod(const kube::ObjectKey& key);

    [[nodiscard]] bool complete() const;
    /// Evaluates once, a little later, whatever changes until then.
    void evaluate_soon();
    void evaluate();
    void tell(const Cluster::Due& due);
    void forget_nodes();

    [[nodiscard]] std::vector<std::string> not_ready() const;
    [[nodiscard]] std::string metrics() const;
    [[nodiscard]] std::string certificate_metrics() const;

    util::EventLoop& loop_;
    kube::MakeTransport make_transport_;
    std::string url_;
    Cluster cluster_;
    kube::EntryPods entries_;
    std::map<kube::Resource, std::set<kube::ObjectKey>> entry_pods_;  // shown by each watch
    std::map<std::string, Clock::time_point> node_seen_;  // when its object last changed
    std::optional<util::EventLoop::TimerId> evaluation_;
    std::vector<util::EventLoop::TimerId> timers_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for posted work

    std::unique_ptr<kube::EventRecorder> events_;
    std::unique_ptr<Leader> leader_;
    std::unique_ptr<Writer> writer_;  // asks the leader
    std::map<kube::Resource, std::unique_ptr<kube::InformerState>> entry_watches_;
    std::vector<std::unique_ptr<kube::InformerState>> watches_;
    http::Identity identity_;
    std::unique_ptr<CaKeeper> ca_;  // null without --https-listen
    std::unique_ptr<HttpServer> http_;
    std::unique_ptr<HttpServer> https_;
};

}  // namespace directfaas::controller
