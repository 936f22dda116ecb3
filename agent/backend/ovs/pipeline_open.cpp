// SPDX-License-Identifier: Apache-2.0
// What is allowed: an instance is chosen or awaited, the connection opened and counted; the way
// out.
#include <array>
#include <vector>

#include "agent/backend/ovs/pipeline.h"

namespace directfaas::backend::ovs {

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
    // The kernel drops what finds no room, and does not tell the mark of a connection that another
    // packet of its has opened since this one was looked up: that one was counted.
    const bool kernel = around_.datapath == Datapath::kKernel;
    add(table::kCount, 290, Match().with(Field::kCtMark, 0),
        kernel ? go(table::kOutput) : drop(around_.full_zone));
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

/// A bridge gives packets to a group to all its ports: those of pods reach the node alone, as over
/// routed interfaces. Reports of listeners, neighbour discovery and DHCP do not come here.
void Pipeline::to_groups() {
    constexpr std::array<std::uint8_t, 6> kGroupBit{0x01};
    constexpr std::array<std::uint8_t, 16> kGroups6{0xff};  // ff00::/8
    std::vector<Match> groups(3);
    groups[0].bytes(Field::kEthDestination, kGroupBit, kGroupBit);
    groups[1].ipv4().with(Field::kDestination4, 0xe0000000, 0xf0000000);  // 224.0.0.0/4
    groups[2].ipv6().bytes(Field::kDestination6, kGroups6, kGroups6);
    for (Match& group : groups) {
        add(table::kOutput, 60, flags(group, kFromPod), Actions().output(kPortLocal));
    }
}

void Pipeline::leave() {
    to_groups();
    Match to_node;
    add(table::kOutput, 50, to_node.bytes(Field::kEthDestination, around_.bridge_mac),
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

FlowKey tally_counter(df_reason reason, df_hook hook) {
    const bool from_pod = hook == DF_HOOK_FROM_POD;
    Match match = flags(from_pod ? kFromPod : 0, from_pod ? 0 : kFromPod);
    return {table::kTally, 100, match.with(field::kReason, reason).key()};
}

}  // namespace directfaas::backend::ovs
