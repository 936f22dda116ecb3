// SPDX-License-Identifier: Apache-2.0
// The agent: source → model → backend, with links, hold, metrics and control around it. This and
// main.cpp are the only places that know all of them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/cluster_events/limits_watch.h"
#include "agent/cluster_events/teller.h"
#include "agent/cni/store.h"
#include "agent/control/control.h"
#include "agent/hold/exec_activator.h"
#include "agent/hold/hold_queue.h"
#include "agent/links/pod_links.h"
#include "agent/node_state/node_state_writer.h"
#include "agent/options.h"
#include "agent/source/source.h"
#include "agent/status/figures.h"
#include "agent/status/service_notice.h"
#include "agent/status/status_server.h"
#include "agent/sync/synchronizer.h"
#include "lib/kube/events.h"
#include "lib/util/event_loop.h"

namespace directfaas {

using MakeBackend = std::function<util::Result<std::unique_ptr<backend::Backend>>()>;

/// Everything but /metrics' threads runs on the loop's thread. Its end detaches nothing.
class Agent final : public control::AgentAccess {
   public:
    /// Puts the parts together and starts them. Fails if another agent serves the instance or a
    /// part cannot be had at all; a missing directory or a failing backend call is not one of
    /// these, it is tried again.
    static util::Result<std::unique_ptr<Agent>> start(util::EventLoop& loop,
                                                      const AgentOptions& options,
                                                      const MakeBackend& make_backend);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    ~Agent() override;

    /// Reads the manifests again and compares what is installed: SIGHUP.
    void rescan();

    // control::AgentAccess
    [[nodiscard]] const model::Model& model() const override { return sync_->model(); }
    backend::Backend& backend() override { return *backend_; }
    [[nodiscard]] control::Facts facts() const override;
    [[nodiscard]] std::string interface_name(unsigned ifindex) const override;
    std::expected<unsigned, control::Refusal> attach(const model::ObjectName& pod,
                                                     const std::string& interface_name) override;
    std::expected<void, control::Refusal> detach(const model::ObjectName& pod) override;
    void cni_add(cni::Attachment attachment, std::chrono::milliseconds patience,
                 std::function<void(const cni::Standing&)> done) override;
    [[nodiscard]] cni::Standing cni_check(const model::ObjectName& pod,
                                          unsigned ifindex) const override;
    void cni_del(const cni::Key& key) override;
    std::size_t cni_gc(const std::vector<cni::Key>& valid) override;
    util::Result<void> set_trace(bool on) override;
    util::Result<void> set_drain(bool on) override;
    void end() override;

   private:
    /// What an operator said about one pod's interface, until the agent ends.
    struct Override {
        bool detached = false;
        std::string interface_name;
    };
    /// An ADD whose answer is due.
    struct CniWait {
        model::ObjectName pod;
        unsigned ifindex = 0;
        util::EventLoop::TimerId timer = 0;
        std::function<void(const cni::Standing&)> done;
    };
    Agent(util::EventLoop& loop, const AgentOptions& options);

    // The parts, in the order in which they are made.
    util::Result<void> open_control();
    util::Result<void> open_links();
    util::Result<void> open_hold();
    util::Result<void> open_source();
    util::Result<void> open_status();
    void open_sync();
    util::Result<void> run_parts();

    void begin();
    void tick();
    void drain_if_told(bool ready);
    void report_to_systemd(const std::vector<std::string>& not_ready);

    void refresh_pods();
    void link_changed(const std::string& pod, std::optional<links::FoundLink> link);
    [[nodiscard]] bool is_local(const model::ObjectName& pod) const;
    void override_pod(const std::string& pod, std::optional<Override> what);

    // wiring_cni.cpp
    void open_cni();
    [[nodiscard]] std::string told_interface(const model::ObjectName& pod) const;
    [[nodiscard]] model::Link link_of(const model::ObjectName& pod,
                                      const links::FoundLink& found) const;
    void take_attachment(cni::Attachment attachment);
    void end_cni_wait(std::uint64_t id);
    void settle_cni();
    void take_pending_cni();

    // wiring_source.cpp
    /// Why nothing takes the fast path; empty: what may does.
    [[nodiscard]] std::string no_fast_path() const;
    void follow_policies();

    // wiring_node_state.cpp
    void publish_node_state();

    // wiring_events.cpp
    void open_events(std::unique_ptr<kube::HttpTransport> transport);
    void add_pod_troubles(std::vector<cluster_events::Trouble>& troubles) const;
    void add_chain_troubles(std::vector<cluster_events::Trouble>& troubles) const;
    void add_node_troubles(std::vector<cluster_events::Trouble>& troubles) const;
    void tell_limits();
    void tell_events();

    [[nodiscard]] const char* source_kind() const;
    /// Of the rules, what a pod's start waits for.
    [[nodiscard]] std::vector<std::string> not_ready() const;
    /// What readiness says beside that: no reason to keep pods from starting.
    [[nodiscard]] std::vector<std::string> bypasses() const;
    [[nodiscard]] std::vector<links::UnattachedPod> unattached() const;
    [[nodiscard]] std::vector<model::Problem> problems() const;
    [[nodiscard]] status::AgentFigures figures() const;
    [[nodiscard]] status::HoldFigures hold_figures() const;

    util::EventLoop& loop_;
    const AgentOptions options_;
    backend::Settings settings_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::map<std::string, Override> overrides_;  // by pod, "namespace/name"
    std::map<std::uint64_t, CniWait> cni_waits_;
    std::uint64_t last_cni_wait_ = 0;
    status::ServiceNotice notice_ = status::ServiceNotice::from_environment();
    bool told_ready_ = false;  // to systemd, once
    bool ready_ = false;       // as last logged
    std::string told_status_;
    std::vector<util::EventLoop::TimerId> timers_;
    int watched_events_ = -1;

    std::unique_ptr<cni::Store> cni_;
    std::unique_ptr<backend::Backend> backend_;
    std::unique_ptr<sync::Synchronizer> sync_;
    std::unique_ptr<links::PodLinks> links_;
    std::unique_ptr<hold::ExecActivator> activator_;
    std::unique_ptr<hold::HoldQueue> hold_;
    std::unique_ptr<source::Source> source_;
    std::string source_place_;  // a directory, or the URL of an apiserver
    std::unique_ptr<node_state::NodeStateWriter> node_state_;  // null without an apiserver
    std::optional<kube::NodeState> last_node_state_;
    // Events of the cluster: null without an apiserver.
    std::unique_ptr<kube::EventRecorder> recorder_;
    std::unique_ptr<cluster_events::Teller> teller_;
    std::unique_ptr<cluster_events::LimitsWatch> limits_;
    std::vector<backend::TableUsage> full_tables_;
    std::unique_ptr<control::Control> control_;
    std::unique_ptr<status::StatusServer> status_;
};

}  // namespace directfaas
