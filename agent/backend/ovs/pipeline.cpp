// SPDX-License-Identifier: Apache-2.0
// The flows that are always there, table by table in a packet's order. docs/ovs.md explains the
// way through them.
#include <array>

#include "agent/backend/ovs/building.h"

namespace directfaas::backend::ovs {
namespace {

class Pipeline {
   public:
    Pipeline(const State& state, const Settings& settings, const Mac& bridge_mac,
             df_reason full_zone)
        : state_(state), settings_(settings), bridge_mac_(bridge_mac), full_zone_(full_zone) {}

    Flows build();

   private:
    void classify();
    void spoof();
    void zone();
    void state();
    void known();
    void new_in();
    void call();
    void call_nobody();
    void judge();
    void deny();
    void accept();
    void keep();
    void count();
    void leave();
    void tally();
    void add(std::uint8_t in, std::uint16_t priority, const Match& match, const Actions& actions) {
        list_.add(in, priority, match, actions);
    }
    void add(std::uint8_t in, std::uint16_t priority, const std::vector<Match>& matches,
             const Actions& actions) {
        for (const Match& match : matches) {
            list_.add(in, priority, match, actions);
        }
    }

    const State& state_;
    const Settings& settings_;
    const Mac& bridge_mac_;
    const df_reason full_zone_;
    FlowList list_{Owner::kPipeline, 0};
};

Match tracked(std::uint32_t set, std::uint32_t clear = 0) {
    Match match;
    match.with(Field::kCtState, set | kTracked, set | clear | kTracked);
    return match;
}

Match label_low(std::uint32_t value) {
    Match match;
    match.with(Field::kCtLabel, value, 0xffffffff);
    return match;
}

/// Multicast listener reports (RFC 2710, RFC 3810).
constexpr std::array<std::uint8_t, 4> kListener{130, 131, 132, 143};
/// Neighbour discovery (RFC 4861): 133-137.
constexpr std::uint8_t kNeighbourFirst = 133;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kNeighbourLast = 137;

void Pipeline::classify() {
    add(table::kClassify, 1, Match(), Actions().output(kPortNormal));
    for (std::uint8_t type = kNeighbourFirst; type <= kNeighbourLast; ++type) {
        add(table::kClassify, 1050, icmp6(Match(), type), Actions().output(kPortNormal));
    }
}

void Pipeline::spoof() {
    const Actions pass = Actions().output(kPortNormal);
    const Actions spoofed = drop(DF_REASON_SPOOFED);
    const auto link_local = *util::IpPrefix::parse("fe80::/10");
    Match own_target = icmp6(Match(), kNeighbourAdvertisement);
    const auto link_local_mask = link_local.mask();
    own_target.bytes(Field::kNdTarget, link_local.base.bytes(), link_local_mask.bytes());
    add(table::kSpoof, 215, own_target, pass);
    add(table::kSpoof, 212, icmp6(Match(), kNeighbourAdvertisement), spoofed);
    for (std::uint8_t type = kNeighbourFirst; type <= kNeighbourLast; ++type) {
        if (type != kNeighbourAdvertisement) {
            add(table::kSpoof, 210, icmp6(Match(), type), pass);
        }
    }
    for (const std::uint8_t type : kListener) {
        add(table::kSpoof, 210, icmp6(Match(), type), pass);
    }
    Match dhcp;
    dhcp.ipv4().protocol(17).with(Field::kSource4, 0).with(Field::kUdpDestination, 67);
    add(table::kSpoof, 190, dhcp, pass);
    add(table::kSpoof, 190, Match().arp().with(Field::kArpSource, 0), pass);
    add(table::kSpoof, 190, Match().source(util::IpAddress()), go(table::kZone));
    add(table::kSpoof, 190, Match().source(link_local), go(table::kZone));
    add(table::kSpoof, 100, any_ip(Match()), spoofed);
    add(table::kSpoof, 100, Match().arp(), spoofed);
    add(table::kSpoof, 0, Match(), pass);
}

void Pipeline::zone() {
    // To another host: the answer to a call of that host's, or a call.
    Actions accepted;
    accepted.copy(field::kOwn, 0, field::kZone, 0, 32).set(field::kZone, kZoneAccept, kZoneAccept);
    add(table::kZone, 0, any_ip(Match()), look_up(accepted, table::kSecond));
    Actions second;
    second.copy(field::kNext, 0, field::kZone, 0, 32);
    look_up(second, table::kState);
    add(table::kSecond, 100, any_ip(Match().with(Field::kCtMark, 0)), second);
    add(table::kSecond, 0, Match(), go(table::kState));
    for (const bool v4 : {true, false}) {
        Actions from_self;
        from_self.track({.zone = kZoneSelf, .next_table = table::kSelfIn, .translate = true});
        add(table::kZone, 150, Match().destination(self_address(v4)), from_self);
    }
    Actions own;
    own.copy(field::kOwn, 0, field::kZone, 0, 32);
    add(table::kSelfIn, 0, any_ip(Match()), look_up(own, table::kState));
}

void Pipeline::state() {
    const Match unknown = Match().with(Field::kCtMark, 0);
    for (const std::uint8_t type : {3, 4, 5, 11, 12}) {
        add(table::kState, 410, icmp4(unknown, type), go(table::kOutput));
    }
    for (const std::uint8_t type : {1, 2, 3, 4}) {
        add(table::kState, 410, icmp6(unknown, type), go(table::kOutput));
    }
    add(table::kState, 405, tracked(kRelated), go(table::kOutput));
    // A broken packet may be a part of a connection that is older than the switch, but it opens
    // none.
    for (Match& match : both(tracked(kInvalid), 6)) {
        add(table::kState, 403, match.tcp_flags(kSyn, kSyn | kAck), drop(DF_REASON_MALFORMED));
    }
    for (const bool from_pod : {true, false}) {
        Match broken = tracked(kInvalid);
        broken.with(Field::kCtMark, 0);
        flags(broken, from_pod ? kFromPod : 0, from_pod ? 0 : kFromPod);
        add(table::kState, 402, both(broken, 6), go(from_pod ? table::kCallee : table::kNewIn));
    }
    add(table::kState, 400, tracked(kInvalid), drop(DF_REASON_MALFORMED));

    // The instance's first answer to a replayed call.
    const std::uint64_t replayed = 1ULL << kLabelReplayedBit;
    Match answer = tracked(kReply);
    answer.with(Field::kCtLabel, replayed, replayed);
    Actions answered;
    answered.track({.zone_register = field::kZone, .next_table = table::kCount, .commit = true},
                   Actions().set(Field::kCtLabel, 0, replayed));
    Actions reset = drop(DF_REASON_REPLAY_RESET);
    punt(reset, Punt::kReset, kMeterHold);
    for (const Match& match : both(answer, 6)) {
        add(table::kState, 350, Match(match).tcp_flags(kSyn | kAck, kSyn | kAck), answered);
        add(table::kState, 350, Match(match).tcp_flags(kRst, kRst), reset);
    }
    Match from_pod = unknown;
    add(table::kState, 200, flags(from_pod, kFromPod), go(table::kCallee));
    add(table::kState, 199, unknown, go(table::kNewIn));
    add(table::kState, 0, Match(), go(table::kLiveEdge));
}

void Pipeline::known() {
    for (const std::uint32_t mark : {kMarkNoEdge, kMarkNoEdge | kMarkUncounted}) {
        add(table::kLiveEdge, 100, Match().with(Field::kCtMark, mark), go(table::kLiveEnd));
    }
    add(table::kLiveEdge, 100, Match().with(Field::kCtMark, kMarkFree), go(table::kOutput));
    add(table::kLiveEdge, 0, Match(), refuse(DF_REASON_EDGE_REVOKED));
    add(table::kLiveEnd, 200, tracked(kReply), go(table::kOutput));
    add(table::kLiveEnd, 150, label_low(0), go(table::kOutput));
    Actions again;
    punt(again, Punt::kChooseAgain, kMeterHold);
    add(table::kLiveEnd, 10, both(Match(), 17), again);
    add(table::kLiveEnd, 0, Match(), refuse(DF_REASON_ENDPOINT_GONE));
}

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

void Pipeline::accept() {
    add(table::kAccept, 300, flags(kToVip | kGiveUp), refuse(DF_REASON_HOLD_EXPIRED));
    const Tracking open{.zone_register = field::kZone, .next_table = table::kCount, .commit = true};
    const Actions direct = Actions().track(open, copy_mark());
    add(table::kAccept, 100, any_ip(flags(kFromPod, kToVip)), direct);
    Match outside = flags(0, kFromPod);
    add(table::kAccept, 90, any_ip(outside.with(field::kFrom, kOutside)), direct);
    // Callers inside a chain are counted at their own end.
    Actions uncounted = Actions().set(field::kMark, kMarkUncounted, kMarkUncounted);
    raise(uncounted, kUncounted).track(open, copy_mark());
    add(table::kAccept, 80, any_ip(flags(0, kFromPod)), uncounted);
}

/// A call without an instance goes to the agent, and the switch remembers it: what the caller's
/// kernel sends again belongs to the kept call, even if there is an instance by now. On its own it
/// would be a call of its own: counted, and reset by an instance that does not listen yet.
void Pipeline::keep() {
    add(table::kAccept, 205, both(flags(kToVip | kKept), 6), go(table::kKeep));
    Actions held = because(DF_REASON_HELD);
    held.set(field::kTold, static_cast<std::uint32_t>(FunctionTold::kHeld));
    held.resubmit(table::kFunction).resubmit(table::kTally);
    for (const bool v4 : {true, false}) {
        Actions kept = held;
        kept.learn({.table = table::kKept,
                    .priority = 100,
                    .cookie = cookie(Owner::kKept, 0),
                    .limit = kKeptMax,
                    .lifetime = kKeptSeconds,
                    .given = {{Field::kEthType, v4 ? kEthIpv4 : kEthIpv6}, {Field::kIpProtocol, 6}},
                    .fields = {v4 ? Field::kSource4 : Field::kSource6,
                               v4 ? Field::kDestination4 : Field::kDestination6, Field::kTcpSource,
                               Field::kTcpDestination},
                    .raises = Learning::Bit{field::kFlags, kKeptBit}});
        Match call = flags(0, kKept);
        v4 ? call.ipv4() : call.ipv6();
        add(table::kKeep, 100, call.protocol(6), punt(kept, Punt::kHold, kMeterHold));
    }
    add(table::kKeep, 0, Match(), punt(held, Punt::kHold, kMeterHold));
}

void Pipeline::count() {
    Match collision = tracked(kInvalid);
    add(table::kCount, 300, collision.with(Field::kCtMark, 0), drop(DF_REASON_TUPLE_COLLISION));
    add(table::kCount, 290, Match().with(Field::kCtMark, 0), drop(full_zone_));
    Actions audit = because(DF_REASON_AUDITED);
    audit.set(field::kTold, static_cast<std::uint32_t>(FunctionTold::kAudited));
    audit.resubmit(table::kFunction).resubmit(table::kTally).resubmit(table::kPair);
    punt(audit, Punt::kAudit, kMeterReport);
    audit.set(field::kFlags, 0, kToAudit).resubmit(table::kCount);
    add(table::kCount, 250, flags(kToAudit), audit);
    add(table::kCount, 200, flags(kUncounted), go(table::kOutput));
    // A replayed TCP call counts when the instance has answered.
    Match replayed = tracked(0, kReply);
    add(table::kCount, 200, both(flags(replayed, kReplayed), 6), go(table::kOutput));
    Actions no_edge =
        Actions().set(field::kTold, static_cast<std::uint32_t>(FunctionTold::kOpened));
    no_edge.resubmit(table::kFunction).resubmit(table::kTrace).resubmit(table::kOutput);
    add(table::kCount, 100, Match().with(Field::kCtMark, kMarkNoEdge), no_edge);
    add(table::kCount, 0, Match(), go(table::kOutput));
    if (settings_.trace) {
        Actions copy;
        punt(copy, Punt::kTrace, kMeterReport);
        add(table::kTrace, 0, Match(), copy);
    }
}

void Pipeline::leave() {
    Match to_node;
    add(table::kOutput, 50, to_node.bytes(Field::kEthDestination, bridge_mac_),
        Actions().output(kPortLocal));
    add(table::kOutput, 0, Match(), Actions().output(kPortNormal));
    if (settings_.deny_silently) {
        for (const auto reason : {DF_REASON_NO_EDGE, DF_REASON_PORT_CLOSED, DF_REASON_EDGE_REVOKED,
                                  DF_REASON_UNKNOWN_SOURCE}) {
            add(table::kRefuse, 100, Match().with(field::kReason, reason), go(table::kTally));
        }
    }
    for (Match& match : both(Match(), 6)) {
        add(table::kRefuse, 90, match.tcp_flags(kRst, kRst), go(table::kTally));
    }
    Actions refused = go(table::kTally);
    punt(refused, Punt::kRefuse, kMeterRefuse);
    add(table::kRefuse, 0, Match(), refused);
}

void Pipeline::tally() {
    for (std::uint32_t reason = 1; reason < DF_REASON_MAX; ++reason) {
        for (const bool from_pod : {true, false}) {
            Match match = flags(from_pod ? kFromPod : 0, from_pod ? 0 : kFromPod);
            list_.add_counting(state_, table::kTally, 100, match.with(field::kReason, reason), {});
        }
    }
}

Flows Pipeline::build() {
    classify();
    spoof();
    zone();
    state();
    known();
    new_in();
    call();
    judge();
    deny();
    accept();
    keep();
    count();
    leave();
    tally();
    return list_.take();
}

}  // namespace

Flows pipeline_flows(const State& state, const Settings& settings, const Mac& bridge_mac,
                     df_reason full_zone) {
    return Pipeline(state, settings, bridge_mac, full_zone).build();
}

FlowKey tally_counter(df_reason reason, df_hook hook) {
    const bool from_pod = hook == DF_HOOK_FROM_POD;
    Match match = flags(from_pod ? kFromPod : 0, from_pod ? 0 : kFromPod);
    return {table::kTally, 100, match.with(field::kReason, reason).key()};
}

}  // namespace directfaas::backend::ovs
