// SPDX-License-Identifier: Apache-2.0
// vIPs, and the instances behind them.
#include <algorithm>

#include "agent/backend/ovs/building.h"
#include "agent/backend/ovs/records.h"

namespace directfaas::backend::ovs {
namespace {

Bytes bucket_actions(const model::RouteEndpoint& endpoint, std::uint32_t number) {
    Actions nested = copy_mark();
    nested.set(Field::kCtLabel, number, 0xffffffff);
    nested.copy(field::kFlags, 1, Field::kCtLabel, kLabelReplayedBit, 1);
    return Actions()
        .set(field::kChosen, number)
        .track({.zone_register = field::kZone,
                .next_table = table::kCount,
                .commit = true,
                .translation =
                    NatTarget{NatTarget::End::kDestination, endpoint.address, endpoint.port}},
               nested)
        .bytes();
}

/// No instance: keep the packet or refuse it.
Actions nobody_there(model::WhenEmpty when_empty) {
    if (when_empty == model::WhenEmpty::kRefuse) {
        Actions refused = because(DF_REASON_NO_ENDPOINT);
        refused.set(field::kTold, static_cast<std::uint32_t>(FunctionTold::kNoEndpoint));
        return refused.resubmit(table::kFunction).resubmit(table::kRefuse);
    }
    return go(table::kKeep);
}

/// The datapath's hash has 16 values for up to 16 buckets. Where they cannot be dealt out evenly,
/// each instance gets several buckets, so that there are 64 values and no instance has much more
/// than another.
std::uint32_t buckets_each(std::size_t instances) {
    constexpr std::size_t kHashValues = 16;
    constexpr std::size_t kEnough = 33;  // buckets that make it 64 values
    if (instances == 0 || instances >= kEnough || kHashValues % instances == 0) {
        return 1;
    }
    return static_cast<std::uint32_t>((kEnough + instances - 1) / instances);
}

Match vip_match(const util::IpAddress& vip) { return Match().destination(vip); }

}  // namespace

Group route_group(const State& state, const model::RouteKey& key, const model::RouteRule& rule) {
    constexpr unsigned kNumberBits = 24;
    Group group{kGroupBase + state.routes.at(key), {}};
    if (rule.affinity.count() != 0) {
        group.chosen_by = key.vip.is_v4() ? Field::kSource4 : Field::kSource6;
    }
    const auto& numbers = state.endpoints.at(key);
    const auto ready = static_cast<std::size_t>(
        std::ranges::count(rule.endpoints, model::EndpointState::kReady,
                           [](const auto& endpoint) { return endpoint.state; }));
    for (const auto& endpoint : rule.endpoints) {
        if (endpoint.state != model::EndpointState::kReady) {
            continue;
        }
        const auto number = numbers.at({endpoint.address, endpoint.port});
        const auto actions = bucket_actions(endpoint, number);
        const bool several = !group.chosen_by && number >> kNumberBits == 0;
        const auto copies = several ? buckets_each(ready) : 1;
        for (std::uint32_t copy = 0; copy < copies; ++copy) {
            group.buckets.push_back({copy << kNumberBits | number, actions});
        }
    }
    return group;
}

Flows route_flows(const State& state, const model::RouteKey& key, const model::RouteRule& rule) {
    const std::uint32_t number = state.routes.at(key);
    const std::uint32_t function = state.known(rule.function);
    FlowList list(Owner::kRoute, number);
    Actions known = Actions().note(route_record(function, rule));
    known.set(field::kTo, function).set(field::kRoute, number);
    raise(known, kToVip).resubmit(table::kCall);
    list.add(table::kCallee, 200, vip_match(key.vip).opens_to(key.protocol, key.port), known);

    Match here = Match().with(field::kRoute, number);
    const auto group = route_group(state, key, rule);
    if (!group.buckets.empty()) {
        list.add(table::kAccept, 200, flags(here, kToVip), Actions().group(group.id));
    } else {
        list.add(table::kAccept, 200, flags(here, kToVip), nobody_there(rule.when_empty));
        Match again = Match().with(field::kRoute, number);
        // The agent still has it.
        list.add(table::kAccept, 210, flags(again, kToVip | kReplayed), Actions());
    }
    auto flows = list.take();
    const auto& numbers = state.endpoints.at(key);
    for (const auto& endpoint : rule.endpoints) {
        const auto end = numbers.at({endpoint.address, endpoint.port});
        FlowList own(Owner::kEndpoint, end);
        own.add(table::kLiveEnd, 100, Match().with(Field::kCtLabel, end, 0xffffffff),
                Actions().note(endpoint_record(number, endpoint)).resubmit(table::kOutput));
        for (Flow& flow : own.take()) {
            flows.push_back(std::move(flow));
        }
    }
    return flows;
}

Flows vip_flows(const State& state, const util::IpAddress& vip) {
    const auto route = state.rules.routes.lower_bound({vip, 0, util::Protocol::kTcp});
    if (route == state.rules.routes.end() || route->first.vip != vip) {
        return {};
    }
    const std::uint32_t function = state.known(route->second.function);
    FlowList list(Owner::kRoute, 0);
    Actions known = Actions().set(field::kTo, function);
    list.add(table::kCallee, 100, vip_match(vip), raise(known, kToVip).resubmit(table::kCall));
    Actions own;
    raise(own, kToVip).copy(field::kOwn, 0, field::kZone, 0, 32);
    list.add(table::kZone, 120, vip_match(vip), look_up(own, table::kState));
    return list.take();
}

}  // namespace directfaas::backend::ovs
