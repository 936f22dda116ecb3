// SPDX-License-Identifier: Apache-2.0
// The first tables: who sends it, may it use that source, which connection is it a part of.
#include "agent/backend/ovs/pipeline.h"

#include <array>

namespace directfaas::backend::ovs {
namespace {

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

}  // namespace

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

/// The kernel translates packets of a known connection by themselves only when the connection was
/// answered: until then it takes them for its first. So what a caller sends again, or has more of,
/// is committed like the first; the kernel keeps to the translation that it has.
void Pipeline::untranslated() {
    if (around_.datapath != Datapath::kKernel) {
        return;
    }
    for (const bool v4 : {true, false}) {
        Match match = tracked(kNew, kReply | kDestinationTranslated);
        v4 ? match.ipv4() : match.ipv6();
        Actions again;
        again.track({.zone_register = field::kZone,
                     .next_table = table::kLiveEdge,
                     .commit = true,
                     .translation = NatTarget{NatTarget::End::kDestination, self_address(v4), 0}});
        add(table::kState, 150, flags(match, kToVip), again);
    }
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

Flows Pipeline::build() {
    classify();
    spoof();
    zone();
    state();
    untranslated();
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

Flows pipeline_flows(const State& state, const Settings& settings, const Surroundings& around) {
    return Pipeline(state, settings, around).build();
}

}  // namespace directfaas::backend::ovs
