// SPDX-License-Identifier: Apache-2.0
// Identities, addresses and edges as flows; pods and routes are in compile_pods.cpp and
// compile_routes.cpp.
#include "agent/backend/ovs/compile.h"

#include "agent/backend/ovs/building.h"
#include "agent/backend/ovs/records.h"

namespace directfaas::backend::ovs {
namespace {

Match to_function(std::uint32_t function) { return Match().with(field::kTo, function); }

Match told_match(std::uint32_t function, FunctionTold told) {
    return to_function(function).with(field::kTold, static_cast<std::uint32_t>(told));
}

void add_ports(FlowList& list, std::uint32_t function, const std::set<model::PortProtocol>& ports,
               std::uint16_t priority, const Actions& actions) {
    for (const auto& port : ports) {
        for (const bool v6 : {false, true}) {
            Match match = to_function(function);
            v6 ? match.ipv6() : match.ipv4();
            list.add(table::kPort, priority, match.opens_to(port.protocol, port.port), actions);
        }
    }
}

/// What becomes of a call that no edge allows, where the callee's chains are not strict.
void add_leniency(FlowList& list, std::uint32_t function, model::Enforcement enforcement) {
    const Actions pass = Actions().set(field::kMark, kMarkNoEdge).resubmit(table::kAccept);
    if (enforcement == model::Enforcement::kEnforce) {
        return;
    }
    list.add(table::kDeny, 100, to_function(function), pass);
    if (enforcement == model::Enforcement::kDisabled) {
        return;
    }
    // Counted when the call is opened: it may find no instance, and come again.
    Actions audit = Actions().set(field::kMark, kMarkNoEdge);
    raise(audit, kToAudit).resubmit(table::kAccept);
    // Callers inside a chain were counted at their own end.
    Match own_end = to_function(function);
    list.add(table::kDeny, 120, flags(own_end, kFromPod), audit);
    Match outside = to_function(function);
    list.add(table::kDeny, 120, flags(outside, 0, kFromPod).with(field::kFrom, kOutside), audit);
}

}  // namespace

Flows identity_flows(const State& state, const model::Identity& identity,
                     const model::IdentityRule& rule) {
    const std::uint32_t number = state.known(identity);
    FlowList list(Owner::kIdentity, number);
    list.add(table::kNever, 1, Match().with(field::kTo, number),
             Actions().note(identity_record(identity, rule)));
    if (identity.kind != model::IdentityKind::kFunction) {
        return list.take();
    }
    for (const auto told : {FunctionTold::kDenied, FunctionTold::kAudited, FunctionTold::kHeld,
                            FunctionTold::kNoEndpoint, FunctionTold::kOpened}) {
        list.add_counting(state, table::kFunction, 100, told_match(number, told), {});
    }
    add_leniency(list, number, rule.enforcement);
    Actions declared;
    raise(declared, kDeclared).resubmit(table::kEdge);
    add_ports(list, number, rule.served, 100, declared);
    add_ports(list, number, rule.open, 110,
              Actions().set(field::kMark, kMarkNoEdge).resubmit(table::kAccept));
    if (rule.ingress) {
        list.add(table::kPortOk, 100, to_function(number), go(table::kAccept));
    }
    return list.take();
}

Flows address_flows(const State& state, const util::IpAddress& address,
                    const model::Identity& identity) {
    const std::uint32_t number = state.known(identity);
    FlowList list(Owner::kAddress, number);
    list.add(table::kSource, 100, Match().source(address), Actions().set(field::kFrom, number));
    if (identity.kind == model::IdentityKind::kFunction) {
        list.add(table::kCallee, 150, Match().destination(address),
                 Actions().set(field::kTo, number).resubmit(table::kCall));
    }
    return list.take();
}

Flows node_flows(const std::vector<util::IpAddress>& addresses) {
    FlowList list(Owner::kNode, 0);
    for (const auto& address : addresses) {
        list.add(table::kSource, 90, Match().source(address),
                 Actions().set(field::kFrom, kNodeItself));
    }
    return list.take();
}

Flows numbers_flows(const State& state, const std::string& instance) {
    FlowList list(Owner::kPipeline, 0);
    list.add(table::kNever, 2, Match(), Actions().note(numbers_record(state, instance)));
    return list.take();
}

Flows edge_flows(const State& state, const model::AllowKey& edge) {
    const std::uint32_t mark = state.edges.at(edge);
    FlowList list(Owner::kEdge, mark);
    Match pair = Match().with(field::kFrom, state.known(edge.from));
    list.add(table::kEdge, 100, pair.with(field::kTo, state.known(edge.to)),
             Actions().set(field::kMark, mark).resubmit(table::kPortOk));
    for (const bool reply : {false, true}) {
        Match match = Match().with(Field::kCtMark, mark);
        match.with(Field::kCtState, reply ? kReply : 0, kReply);
        list.add_counting(state, table::kLiveEdge, 100, match,
                          go(reply ? table::kOutput : table::kLiveEnd));
    }
    list.add(table::kLiveEdge, 100, Match().with(Field::kCtMark, mark | kMarkUncounted),
             go(table::kLiveEnd));
    list.add_counting(state, table::kCount, 100, Match().with(Field::kCtMark, mark),
                      go(table::kTrace).resubmit(table::kOutput));
    return list.take();
}

Flows revoked_edge_flows(const State& state, const model::AllowKey& edge,
                         const Settings& settings) {
    const std::uint32_t mark = state.edges.at(edge);
    FlowList list(Owner::kEdge, mark);
    Actions refused = because(DF_REASON_EDGE_REVOKED);
    if (!settings.deny_silently) {
        punt(refused, Punt::kRefuse, kMeterRefuse);
    }
    for (const bool reply : {false, true}) {
        Match match = Match().with(Field::kCtMark, mark);
        list.add(table::kLiveEdge, 100, match.with(Field::kCtState, reply ? kReply : 0, kReply),
                 refused);
    }
    list.add(table::kLiveEdge, 100, Match().with(Field::kCtMark, mark | kMarkUncounted), refused);
    return list.take();
}

Flow pair_flow(const State& state, const PairKey& pair) {
    Match match = Match().with(field::kFrom, pair.from).with(field::kTo, pair.to);
    match.with(field::kReason, static_cast<std::uint32_t>(pair.reason));
    return counting(state, {table::kPair, 100, cookie(Owner::kPair, 0), match, {}});
}

std::optional<PairKey> pair_of(const Flow& flow) {
    const auto from = flow.match.value(field::kFrom);
    const auto to = flow.match.value(field::kTo);
    const auto reason = flow.match.value(field::kReason);
    if (owner_of(flow.cookie) != Owner::kPair || !from || !to || !reason) {
        return std::nullopt;
    }
    return PairKey{static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*to),
                   static_cast<df_reason>(*reason)};
}

FlowKey function_counter(std::uint32_t function, FunctionTold told) {
    return {table::kFunction, 100, told_match(function, told).key()};
}

FlowKey edge_opened_counter(std::uint32_t mark) {
    return {table::kCount, 100, Match().with(Field::kCtMark, mark).key()};
}

FlowKey edge_bytes_counter(std::uint32_t mark, bool reply) {
    Match match = Match().with(Field::kCtMark, mark);
    return {table::kLiveEdge, 100, match.with(Field::kCtState, reply ? kReply : 0, kReply).key()};
}

}  // namespace directfaas::backend::ovs
