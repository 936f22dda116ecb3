// SPDX-License-Identifier: Apache-2.0
// Short forms for writing flows.
#pragma once

#include <string>

#include "agent/backend/ovs/compile.h"
#include "agent/backend/ovs/tables.h"

namespace directfaas::backend::ovs {

/// Flags as a match: all of `set` set, all of `clear` clear.
inline Match& flags(Match& match, std::uint32_t set, std::uint32_t clear = 0) {
    return match.with(field::kFlags, set, set | clear);
}
inline Match flags(std::uint32_t set, std::uint32_t clear = 0) {
    Match match;
    flags(match, set, clear);
    return match;
}
inline Actions go(std::uint8_t to) { return Actions().resubmit(to); }
inline Actions& raise(Actions& actions, std::uint32_t bits) {
    return actions.set(field::kFlags, bits, bits);
}
inline Actions because(df_reason reason) {
    return Actions().set(field::kReason, static_cast<std::uint32_t>(reason));
}
/// Counts the packet for `reason`, and that is all.
inline Actions drop(df_reason reason) { return because(reason).resubmit(table::kTally); }
inline Actions noted(df_reason reason) { return drop(reason).resubmit(table::kOutput); }
inline Actions refuse(df_reason reason) { return because(reason).resubmit(table::kRefuse); }
inline Actions& punt(Actions& actions, Punt why, std::uint32_t meter) {
    return actions.set(field::kPunt, static_cast<std::uint32_t>(why))
        .meter(meter)
        .punt(kControllerId);
}
/// Looks the packet up in the zone of register kZone.
inline Actions& look_up(Actions& actions, std::uint8_t next) {
    return actions.track({.zone_register = field::kZone, .next_table = next, .translate = true});
}
inline Actions copy_mark() { return Actions().copy(field::kMark, 0, Field::kCtMark, 0, 32); }
/// A note with what the flow had counted before, if anything.
inline Flow counting(const State& state, Flow flow) {
    const auto found = state.bases.find(flow.key());
    if (found != state.bases.end()) {
        Actions with_note;
        with_note.note(std::to_string(found->second.packets) + " " +
                       std::to_string(found->second.bytes));
        flow.actions.insert(flow.actions.begin(), with_note.bytes().begin(),
                            with_note.bytes().end());
    }
    return flow;
}

/// Collects the flows of one owner.
class FlowList {
   public:
    FlowList(Owner owner, std::uint32_t number) : cookie_(cookie(owner, number)) {}

    void add(std::uint8_t in, std::uint16_t priority, const Match& match, const Actions& actions) {
        flows_.push_back({in, priority, cookie_, match, actions.bytes()});
    }
    void add_counting(const State& state, std::uint8_t in, std::uint16_t priority,
                      const Match& match, const Actions& actions) {
        flows_.push_back(counting(state, {in, priority, cookie_, match, actions.bytes()}));
    }
    [[nodiscard]] Flows take() { return std::move(flows_); }

   private:
    std::uint64_t cookie_;
    Flows flows_;
};

inline constexpr std::uint16_t kFin = 0x01;
inline constexpr std::uint16_t kSyn = 0x02;
inline constexpr std::uint16_t kRst = 0x04;
inline constexpr std::uint16_t kAck = 0x10;

/// Matches of TCP segments that do not open a connection; they add to `base`.
inline std::vector<Match> not_opening(const Match& base) {
    std::vector<Match> all;
    for (const bool v6 : {false, true}) {
        Match plain = base;
        Match answer = base;
        v6 ? plain.ipv6() : plain.ipv4();
        v6 ? answer.ipv6() : answer.ipv4();
        all.push_back(plain.protocol(6).tcp_flags(0, kSyn));
        all.push_back(answer.protocol(6).tcp_flags(kSyn | kAck, kSyn | kAck));
    }
    return all;
}
/// Both families of an IP protocol number. The later fragments of an IPv6 datagram only say that
/// they are fragments; TCP has none.
inline std::vector<Match> both(const Match& base, std::uint8_t protocol) {
    constexpr std::uint8_t kUdp = 17;
    constexpr std::uint8_t kFragment = 44;
    Match v4 = base;
    Match v6 = base;
    std::vector<Match> all{v4.ipv4().protocol(protocol), v6.ipv6().protocol(protocol)};
    if (protocol == kUdp) {
        all.push_back(v6.protocol(kFragment));
    }
    return all;
}
/// ICMP and ICMPv6 of the given types.
inline Match icmp4(const Match& base, std::uint8_t type) {
    Match match = base;
    return match.ipv4().protocol(1).with(Field::kIcmp4Type, type);
}
inline Match icmp6(const Match& base, std::uint8_t type) {
    Match match = base;
    return match.ipv6().protocol(58).with(Field::kIcmp6Type, type);
}
inline std::vector<Match> echo_reply(const Match& base) {
    return {icmp4(base, 0), icmp6(base, 129)};
}
inline std::vector<Match> any_icmp(const Match& base) {
    Match v4 = base;
    Match v6 = base;
    return {v4.ipv4().protocol(1), v6.ipv6().protocol(58)};
}
/// TCP, UDP and ICMP of both families.
inline std::vector<Match> supported(const Match& base) {
    auto all = any_icmp(base);
    for (const std::uint8_t protocol : {6, 17}) {
        for (Match& match : both(base, protocol)) {
            all.push_back(std::move(match));
        }
    }
    return all;
}
inline std::vector<Match> any_ip(const Match& base) {
    Match v4 = base;
    Match v6 = base;
    return {v4.ipv4(), v6.ipv6()};
}

/// Source of a call to oneself on its way back into the pod, as in the eBPF switch.
inline util::IpAddress self_address(bool v4) {
    return *util::IpAddress::parse(v4 ? "169.254.42.1" : "100::df");
}

}  // namespace directfaas::backend::ovs
