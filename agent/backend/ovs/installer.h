// SPDX-License-Identifier: Apache-2.0
// Keeps the bridge's flows what the rules say: changes them, compares them, puts them in again
// after the switch was restarted.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/backend/ovs/bridge.h"
#include "agent/backend/ovs/compile.h"
#include "agent/backend/ovs/state.h"

namespace directfaas::backend::ovs {

struct Limits {
    std::uint32_t connections = 0;  ///< of one pod, from --max-connections
};

class Installer {
   public:
    Installer(Bridge& bridge, std::string instance, Limits limits)
        : bridge_(bridge), instance_(std::move(instance)), limits_(limits) {}

    /// Takes over what the bridge has. Fails if it belongs to another instance.
    util::Result<void> load();
    /// Whether packets may have been refused that the switch has not counted yet.
    enum class Refusals : bool { kNone, kPossible };
    util::Result<void> apply(const model::RuleDelta& delta, Refusals refusals);
    /// What of the rules is really there. Removes flows of ours that belong to no rule, and mends
    /// the pipeline.
    util::Result<model::RuleSet> dump();
    util::Result<void> configure(const Settings& settings);
    /// After a reconnection: whatever is missing is put in again. `totals` are the counters as last
    /// read; where a flow is gone, they go on from there.
    util::Result<void> recover(const std::map<FlowKey, Base>& totals);
    /// Follows the node's own addresses.
    util::Result<void> follow_node();
    util::Result<void> follow_ports();

    [[nodiscard]] const State& state() const { return state_; }
    [[nodiscard]] State& state() { return state_; }
    [[nodiscard]] const Settings& settings() const { return settings_; }

   private:
    using Found = std::set<FoundFlow, ByKey>;

    util::Result<void> stage(const model::RuleDelta& delta, Change& change, Change& late,
                             std::vector<Bytes>& after);
    void stage_upserts(const model::RuleDelta& delta, Change& change, Change& late);
    void stage_removals(const model::RuleDelta& delta, Change& change);
    void stage_identities(const model::RuleDelta& delta, Change& change);
    void stage_addresses(const model::RuleDelta& delta, Change& change);
    void stage_routes(const model::RuleDelta& delta, Change& change, Change& late);
    struct RouteBefore {
        Flows flows;
        Group group;
    };
    /// Returns what belonged to the route until now.
    RouteBefore set_route(const model::RouteKey& key, const model::RouteRule& rule);
    void replace_route(const model::RouteKey& key, RouteBefore before, Change& change,
                       Change& late);
    void remove_route(const model::RouteKey& key, Change& change);
    util::Result<void> attach(const model::ObjectName& pod, const model::AttachRule& rule,
                              Change& change, std::vector<Bytes>& after);
    void detach(const model::ObjectName& pod, Change& change, std::vector<Bytes>& after);
    util::Result<PodPlace> find_place(const model::ObjectName& pod, const model::AttachRule& rule);
    [[nodiscard]] std::optional<std::uint32_t> port_of(unsigned ifindex) const;
    [[nodiscard]] std::optional<std::uint16_t> free_zone() const;
    void revoke(const model::AllowKey& edge, Change& change, Change& late);

    util::Result<Found> find();
    [[nodiscard]] Flows base_flows() const;
    /// Calls `visit` with all flows that there should be, some at a time: all at once are a lot.
    void visit_flows(const std::function<void(const Flows&)>& visit) const;
    util::Result<void> reconcile(Found found);
    util::Result<void> put_meters();
    util::Result<void> limit_zones(std::uint16_t zone);
    [[nodiscard]] df_reason full_zone_reason() const;
    [[nodiscard]] Surroundings surroundings() const;

    Bridge& bridge_;
    const std::string instance_;
    const Limits limits_;
    State state_;
    Settings settings_;
    std::vector<util::IpAddress> node_addresses_;
};

}  // namespace directfaas::backend::ovs
