// SPDX-License-Identifier: Apache-2.0
// What is there against what should be: after a start, a reconnection, and when asked.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/backend/ovs/installer.h"
#include "agent/backend/ovs/node_addresses.h"
#include "agent/backend/ovs/records.h"
#include "lib/util/log.h"

namespace directfaas::backend::ovs {
namespace {

using util::Result;

constexpr std::uint64_t kTurnCookie = cookie(Owner::kPipeline, 1);  // see Bridge::settle()
constexpr std::uint32_t kRefusalsPerSecond = 2000;
constexpr std::uint32_t kHeldPerSecond = 20000;
constexpr std::uint32_t kReportsPerSecond = 1000;

bool same(const FoundFlow& found, const Flow& flow) {
    return found.cookie == flow.cookie && found.actions == flow.actions;
}

bool all_installed(const std::set<FoundFlow, ByKey>& found, const Flows& flows) {
    return std::ranges::all_of(flows, [&](const Flow& flow) {
        const auto at = found.find(flow);
        return at != found.end() && same(*at, flow);
    });
}

void append(Flows& all, Flows more) { std::ranges::move(more, std::back_inserter(all)); }

}  // namespace

df_reason Installer::full_zone_reason() const {
    const bool budget = settings_.budget_live != 0 && settings_.budget_live < limits_.connections;
    return budget ? DF_REASON_CT_BUDGET : DF_REASON_CT_FULL;
}

Surroundings Installer::surroundings() const {
    return {bridge_.mac(), full_zone_reason(), bridge_.datapath()};
}

Result<void> Installer::limit_zones(std::uint16_t zone) {
    const auto limit = settings_.budget_live == 0
                           ? limits_.connections
                           : std::min(settings_.budget_live, limits_.connections);
    auto done =
        bridge_.control("dpctl/ct-set-limits",
                        {fmt::format("zone={},limit={}", zone, limit),
                         fmt::format("zone={},limit={}", zone + kZoneAccept, limits_.connections)});
    return done ? Result<void>() : std::unexpected(done.error());
}

Flows Installer::base_flows() const {
    auto all = pipeline_flows(state_, settings_, surroundings());
    append(all, numbers_flows(state_, instance_));
    append(all, node_flows(node_addresses_));
    for (const auto& pair : state_.pairs) {
        all.push_back(pair_flow(state_, pair));
    }
    std::set<util::IpAddress> vips;
    for (const auto& [key, rule] : state_.rules.routes) {
        if (vips.insert(key.vip).second) {
            append(all, vip_flows(state_, key.vip));
        }
    }
    return all;
}

void Installer::visit_flows(const std::function<void(const Flows&)>& visit) const {
    visit(base_flows());
    for (const auto& [identity, rule] : state_.rules.identities) {
        visit(identity_flows(state_, identity, rule));
    }
    for (const auto& [address, identity] : state_.rules.addresses) {
        visit(address_flows(state_, address, identity));
    }
    for (const auto& [key, rule] : state_.rules.routes) {
        visit(route_flows(state_, key, rule));
    }
    for (const auto& edge : state_.rules.allowed) {
        visit(edge_flows(state_, edge));
    }
    for (const auto& [pod, rule] : state_.rules.attachments) {
        visit(pod_flows(state_, pod, rule, bridge_.mac()));
    }
}

Result<Installer::Found> Installer::find() {
    auto flows = bridge_.flows();
    if (!flows) {
        return std::unexpected(flows.error());
    }
    Found found;
    for (FoundFlow& flow : *flows) {
        if (const auto pair = pair_of(flow)) {
            state_.pairs.insert(*pair);
        }
        if (flow.cookie != kTurnCookie && owner_of(flow.cookie) != Owner::kKept) {
            found.insert(std::move(flow));
        }
    }
    return found;
}

Result<void> Installer::put_meters() {
    // Adding one that is there fails, changing one that is not there, too: so both are tried.
    for (const auto& [id, rate] :
         {std::pair{kMeterRefuse, kRefusalsPerSecond}, std::pair{kMeterHold, kHeldPerSecond},
          std::pair{kMeterReport, kReportsPerSecond}}) {
        if (bridge_.execute({meter(id, rate, rate, true)})) {
            continue;
        }
        if (auto added = bridge_.execute({meter(id, rate, rate, false)}); !added) {
            return util::pass(added.error(), "making a meter");
        }
    }
    return {};
}

Result<void> Installer::load() {
    const auto flows = bridge_.flows();
    if (!flows) {
        return std::unexpected(flows.error());
    }
    auto read = read_state(*flows);
    if (!read.instance.empty() && read.instance != instance_) {
        return util::fail(fmt::format(
            "bridge {} is served by instance {}; `directfaas-agent --backend ovs --instance {} "
            "--remove` ends that",
            bridge_.options().name, read.instance, read.instance));
    }
    read.next_identity = std::max(read.next_identity, state_.next_identity);
    read.next_edge = std::max(read.next_edge, state_.next_edge);
    read.next_route = std::max(read.next_route, state_.next_route);
    read.next_endpoint = std::max(read.next_endpoint, state_.next_endpoint);
    state_ = std::move(read);
    if (node_addresses_.empty()) {
        node_addresses_ = node_addresses();
    }
    return {};
}

/// Groups cannot be read back, so all are written; their flows go with them when somebody removes
/// one.
Result<void> Installer::reconcile(Found found) {
    Change change;
    visit_flows([&](const Flows& flows) {
        for (const Flow& flow : flows) {
            const auto at = found.find(flow);
            if (at == found.end() || !same(*at, flow)) {
                change.put(flow);
            }
            if (at != found.end()) {
                found.erase(at);
            }
        }
    });
    for (const Flow& stale : found) {
        change.remove(stale);
    }
    for (const auto& [key, rule] : state_.rules.routes) {
        if (auto group = route_group(state_, key, rule); !group.buckets.empty()) {
            change.put(std::move(group), {});
        }
    }
    return bridge_.commit(change);
}

Result<void> Installer::configure(const Settings& settings) {
    const bool first = node_addresses_.empty();
    const auto before = pipeline_flows(state_, settings_, surroundings());
    const auto limit_before = settings_.budget_live;
    settings_ = settings;
    if (first || limit_before != settings.budget_live) {
        for (const auto& [pod, place] : state_.pods) {
            if (auto limited = limit_zones(place.zone); !limited) {
                return limited;
            }
        }
    }
    Change change;
    change.replace(before, pipeline_flows(state_, settings_, surroundings()));
    return bridge_.commit(change);
}

Result<void> Installer::recover(const std::map<FlowKey, Base>& totals) {
    if (node_addresses_.empty()) {
        node_addresses_ = node_addresses();
    }
    if (auto made = put_meters(); !made) {
        return made;
    }
    auto found = find();
    if (!found) {
        return std::unexpected(found.error());
    }
    for (const auto& [key, total] : totals) {
        if (!found->contains(key)) {
            state_.bases[key] = total;
        }
    }
    // Ports may have other numbers now, and pods may be gone.
    for (auto& [pod, rule] : state_.rules.attachments) {
        if (auto place = find_place(pod, rule)) {
            state_.pods[pod] = *place;
        }
        if (auto limited = limit_zones(state_.pods[pod].zone); !limited) {
            return limited;
        }
    }
    return reconcile(std::move(*found));
}

Result<model::RuleSet> Installer::dump() {
    auto found = find();
    if (!found) {
        return std::unexpected(found.error());
    }
    auto rules = state_.rules;
    std::erase_if(rules.identities, [&](const auto& item) {
        return !all_installed(*found, identity_flows(state_, item.first, item.second));
    });
    std::erase_if(rules.addresses, [&](const auto& item) {
        return !all_installed(*found, address_flows(state_, item.first, item.second));
    });
    std::erase_if(rules.routes, [&](const auto& item) {
        return !all_installed(*found, route_flows(state_, item.first, item.second));
    });
    std::erase_if(rules.allowed, [&](const auto& edge) {
        return !all_installed(*found, edge_flows(state_, edge));
    });
    std::erase_if(rules.attachments, [&](const auto& item) {
        return !all_installed(*found, pod_flows(state_, item.first, item.second, bridge_.mac()));
    });
    std::size_t wanted = 0;
    visit_flows([&](const Flows& flows) { wanted += flows.size(); });
    if (rules == state_.rules && all_installed(*found, base_flows()) && found->size() == wanted) {
        return rules;
    }
    // Put right at once; the rules that were damaged are told all the same.
    if (auto mended = reconcile(std::move(*found)); !mended) {
        return std::unexpected(mended.error());
    }
    return rules;
}

}  // namespace directfaas::backend::ovs
