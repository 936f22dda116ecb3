// SPDX-License-Identifier: Apache-2.0
// What opens a connection: to whom, and may it?
#include "agent/backend/ovs/pipeline.h"

namespace directfaas::backend::ovs {

void Pipeline::new_in() {
    if (settings_.drain) {
        add(table::kNewIn, 500, Match(), go(table::kOutput));
    }
    add(table::kNewIn, 450, Match().with(field::kTo, 0), go(table::kOutput));
    add(table::kNewIn, 400, Match().with(field::kFrom, kNodeItself), noted(DF_REASON_PROBE));
    add(table::kNewIn, 300, not_opening(Match()), noted(DF_REASON_MIDFLOW));
    add(table::kNewIn, 300, echo_reply(Match()), go(table::kOutput));
    add(table::kNewIn, 100, supported(Match()), go(table::kPort));
    add(table::kNewIn, 50, any_ip(Match()), drop(DF_REASON_UNSUPPORTED_PROTO));
}

/// To what is no function: free, and remembered so that the answers come in.
void Pipeline::call_nobody() {
    const Match nobody = Match().with(field::kTo, 0);
    Match entry = nobody;
    add(table::kCall, 520, flags(entry, kEntry), go(table::kOutput));
    add(table::kCall, 515, not_opening(nobody), go(table::kOutput));
    add(table::kCall, 510, echo_reply(nobody), go(table::kOutput));
    Actions free = Actions().set(field::kMark, kMarkFree);
    free.track({.zone_register = field::kZone, .next_table = table::kCount, .commit = true},
               copy_mark());
    add(table::kCall, 505, supported(nobody), free);
    add(table::kCall, 500, nobody, go(table::kOutput));
}

void Pipeline::call() {
    add(table::kCallee, 0, Match(), go(table::kCall));
    if (settings_.drain) {
        add(table::kCall, 600, Match(), go(table::kOutput));
    }
    call_nobody();
    add(table::kCall, 400, not_opening(flags(kToVip | kAdopted)), noted(DF_REASON_MIDFLOW));
    add(table::kCall, 395, not_opening(flags(kToVip)), refuse(DF_REASON_STALE_FLOW));
    add(table::kCall, 390, not_opening(Match()), noted(DF_REASON_MIDFLOW));
    add(table::kCall, 350, echo_reply(Match()), go(table::kOutput));
    add(table::kCall, 345, any_icmp(flags(kToVip)), drop(DF_REASON_UNSUPPORTED_PROTO));
    Match no_such_port = flags(kToVip);
    no_such_port.with(field::kRoute, 0);
    add(table::kCall, 210, both(flags(kToVip, kReplayed), 6),
        go(table::kKept).resubmit(table::kEdge));
    for (const std::uint8_t protocol : {6, 17}) {
        add(table::kCall, 300, both(no_such_port, protocol), refuse(DF_REASON_PORT_CLOSED));
        add(table::kCall, 200, both(flags(kToVip), protocol), go(table::kEdge));
    }
    add(table::kCall, 100, supported(flags(0, kToVip)), go(table::kPort));
    add(table::kCall, 50, Match(), drop(DF_REASON_UNSUPPORTED_PROTO));
}

void Pipeline::judge() {
    Actions declared;
    raise(declared, kDeclared).resubmit(table::kEdge);
    add(table::kPort, 50, any_icmp(Match()), declared);
    add(table::kPort, 0, Match(), go(table::kEdge));
    add(table::kEdge, 0, Match(), because(DF_REASON_NO_EDGE).resubmit(table::kDeny));
    add(table::kPortOk, 200, flags(kToVip), go(table::kAccept));
    add(table::kPortOk, 190, flags(kDeclared), go(table::kAccept));
    add(table::kPortOk, 0, Match(), because(DF_REASON_PORT_CLOSED).resubmit(table::kDeny));
}

void Pipeline::deny() {
    const auto told = static_cast<std::uint32_t>(FunctionTold::kDenied);
    Actions denied = Actions().set(field::kTold, told);
    denied.resubmit(table::kFunction).resubmit(table::kPair).resubmit(table::kRefuse);
    add(table::kDeny, 0, Match(), denied);
    Actions give_up = because(DF_REASON_UNKNOWN_SOURCE).set(field::kTold, told);
    give_up.resubmit(table::kFunction).resubmit(table::kPair).resubmit(table::kRefuse);
    Actions hold = drop(DF_REASON_HELD_SOURCE);
    punt(hold, Punt::kHoldSource, kMeterHold);
    for (const auto& network : settings_.pod_networks) {
        for (const std::uint8_t protocol : {6, 17}) {
            const auto from = [&](std::uint32_t set) {
                Match match = flags(set, kFromPod);
                return match.with(field::kFrom, kOutside).source(network).protocol(protocol);
            };
            add(table::kDeny, 65, from(kGiveUp), give_up);
            add(table::kDeny, 60, from(kReplayed), Actions());  // the agent still has it
            add(table::kDeny, 50, from(0), hold);
        }
    }
    // The switch itself adds a flow for each pair, so that none is missed while no agent runs.
    Actions learn;
    learn.learn({.table = table::kPair,
                 .priority = 100,
                 .cookie = cookie(Owner::kPair, 0),
                 .limit = kPairsMax,
                 .fields = {field::kFrom, field::kTo, field::kReason}});
    add(table::kPair, 0, Match(), learn);
}

}  // namespace directfaas::backend::ovs
