// SPDX-License-Identifier: Apache-2.0
// vIP → instances (tables `vip`, `slots`, `ep`, and the vIPs' entries in `ip_id`). A new list is
// written beside the old one and switched in by one write; an instance that stays keeps its number,
// and with it its connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "agent/backend/ebpf/addresses.h"
#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/ids.h"
#include "agent/backend/ebpf/tables.h"

namespace directfaas::backend::ebpf {

class Routes {
   public:
    /// Knows nobody; see load().
    explicit Routes(const Tables& tables)
        : tables_(&tables),
          vip_ids_(1, tables.vip.capacity()),
          endpoint_ids_(1, tables.ep.capacity()) {}

    struct Endpoint {
        model::RouteEndpoint rule;  // as written
        std::uint32_t id = 0;
        std::uint32_t gen = 0;
    };
    struct Route {
        df_vip entry{};                   // as written
        Identities::Number function;      // ... and the owner of the address in `ip_id`
        std::vector<Endpoint> endpoints;  // sorted by address and port
        std::vector<std::uint32_t> list;  // the live list: endpoint ids that may be chosen
    };

    /// Reads back what an earlier process left and finishes what it left half done.
    static util::Result<Routes> load(const Tables& tables, const Identities& identities,
                                     Addresses& addresses);

    util::Result<void> set(const model::RouteKey& key, const model::RouteRule& rule,
                           const Identities& identities, Addresses& addresses);
    /// No error if there is no such route.
    util::Result<void> remove(const model::RouteKey& key, Addresses& addresses);

    /// Deletes the lists that were switched out a while ago. They are kept that long because a
    /// program may have read the old entry and not yet its list.
    util::Result<void> clear_old_lists();

    /// Whether instances behind an interface of this node may be reached past the stack. What is
    /// not said is no.
    util::Result<void> set_fast(unsigned ifindex, bool fast);

    [[nodiscard]] const std::map<model::RouteKey, Route>& all() const { return routes_; }
    [[nodiscard]] std::uint32_t endpoints_in_use() const { return endpoint_ids_.in_use(); }
    [[nodiscard]] std::size_t slots_in_use() const { return slot_count_; }

    /// The routes as the kernel has them.
    [[nodiscard]] util::Result<std::map<model::RouteKey, model::RouteRule>> dump(
        const Identities& identities) const;

   private:
    using Clock = std::chrono::steady_clock;
    struct OldList {
        df_vip entry;
        Clock::time_point since;
    };
    using KeyOfId = std::map<std::uint32_t, model::RouteKey>;
    using Endpoints = std::vector<Endpoint>;

    /// The numbers that may be chosen, in order.
    static std::vector<std::uint32_t> ready_list(const Endpoints& endpoints);

    util::Result<KeyOfId> load_vips(const Identities& identities);
    util::Result<void> load_endpoints(const KeyOfId& keys);
    util::Result<void> load_lists(const KeyOfId& keys);

    util::Result<Route*> find_or_add(const model::RouteKey& key);
    util::Result<void> update(const model::RouteKey& key, Route& route,
                              const model::RouteRule& rule, Identities::Number function);
    util::Result<void> release(const Route& route);
    util::Result<Endpoints> place(Route& route, const model::RouteRule& rule);
    util::Result<Endpoint> add_endpoint(std::uint32_t vip_id, const model::RouteEndpoint& rule);
    util::Result<void> write_endpoint(std::uint32_t vip_id, const Endpoint& endpoint);
    util::Result<void> free_all_but(const Endpoints& kept, const Endpoints& candidates);
    util::Result<void> free_endpoint(const Endpoint& endpoint);
    util::Result<void> switch_list(const model::RouteKey& key, Route& route, df_vip entry,
                                   std::vector<std::uint32_t> list);
    util::Result<void> write_list(const df_vip& entry, const std::vector<std::uint32_t>& list);
    util::Result<void> clear_oldest_list();
    util::Result<void> erase_list(const df_vip& entry);

    const Tables* tables_;
    Ids vip_ids_;
    Ids endpoint_ids_;
    std::map<model::RouteKey, Route> routes_;
    std::deque<OldList> old_lists_;  // oldest first
    std::size_t slot_count_ = 0;
    std::map<unsigned, std::set<std::uint32_t>> local_;  // endpoint ids by ifindex; some are old
    std::set<unsigned> fast_;                            // interfaces, see set_fast()
};

}  // namespace directfaas::backend::ebpf
