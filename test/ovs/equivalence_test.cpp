// SPDX-License-Identifier: Apache-2.0
// Random models, random packets: both switches give the same verdict, the same candidates, the same
// packet and the same counts. What differs by design (docs/ovs.md) is said where it is left out.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/ovs/sides.h"
#include "test/support/wait.h"

namespace directfaas::backend {
namespace {

constexpr int kPackets = 60;
constexpr int kCallsForCandidates = 64;

using End = Outcome::End;
using Candidates = std::set<std::pair<util::IpAddress, std::uint16_t>>;

class Equivalence : public testing::TestWithParam<unsigned> {
   protected:
    void SetUp() override {
        Settings settings;
        settings.event_rate = 1'000'000;
        settings.pod_networks = {*util::IpPrefix::parse("10.1.0.0/16"),
                                 *util::IpPrefix::parse("fd00:1::/64")};
        rules_ = node_.rules(ovs_.interfaces());
        ebpf_.make(node_.rules(ebpf_.interfaces()), settings);
        ovs_.make_all(rules_, settings);
    }

    /// Instances a call there may go to; empty if it goes where it is addressed to.
    [[nodiscard]] Candidates candidates(const Sent& packet) const {
        Candidates all;
        const auto route = rules_.routes.find({packet.destination, packet.destination_port,
                                               static_cast<util::Protocol>(packet.protocol)});
        if (route != rules_.routes.end()) {
            for (const auto& endpoint : route->second.endpoints) {
                if (endpoint.state == model::EndpointState::kReady) {
                    all.insert({endpoint.address, endpoint.port});
                }
            }
        }
        return all;
    }

    /// An entry's answering datagram is known as an answer by the eBPF switch; on Open vSwitch it
    /// counts as a call where the entry has an edge (docs/ovs.md).
    [[nodiscard]] bool enters_entry(const util::IpAddress& address) const {
        const auto owner = rules_.addresses.find(address);
        return owner != rules_.addresses.end() && owner->second.kind == model::IdentityKind::kEntry;
    }

    /// The same as `wanted`, or what is different as a failure.
    Outcome expect(int from, const support::Bytes& frame, std::uint16_t source_port,
                   const Outcome& wanted, const Candidates& any_of);
    void expect_forwarded(Outcome& outcome, const Outcome& wanted, const Candidates& any_of);
    void exchange(const Sent& packet);
    void answer(const Sent& call, const Outcome& ebpf, const Outcome& ovs);

    RandomNode node_{GetParam()};
    EbpfSide ebpf_;
    OvsSide ovs_;
    model::RuleSet rules_;
    std::map<model::RouteKey, Candidates> seen_ebpf_;
    std::map<model::RouteKey, Candidates> seen_ovs_;
};

/// Each switch chooses by its own measure (docs/ovs.md): the instance may differ, and with it the
/// source, if one of them chose the caller itself; all else not.
void blank_instance(support::ParsedPacket& packet, const Candidates& any_of) {
    const auto self = *util::IpAddress::parse(packet.ip_version == 4 ? "169.254.42.1" : "100::df");
    if (any_of.contains({packet.dst, packet.dport})) {
        packet.src = packet.src == self ? packet.dst : packet.src;
        packet.dst = {};
        packet.dport = 0;
    }
}

void Equivalence::expect_forwarded(Outcome& outcome, const Outcome& wanted,
                                   const Candidates& any_of) {
    // Which place it comes out at follows from the instance that was chosen.
    std::optional<support::ParsedPacket> came;
    if (any_of.empty()) {
        came = ovs_.next_at(wanted.to);
        outcome.to = wanted.to;
    } else {
        came = ovs_.next_anywhere(outcome.to);
    }
    ASSERT_TRUE(came) << "eBPF: forwarded as " << describe(wanted.packet) << "; OVS: nothing came";
    outcome.packet = *came;
    auto one = wanted.packet;
    auto other = *came;
    blank_instance(one, any_of);
    blank_instance(other, any_of);
    EXPECT_EQ(describe(other), describe(one));
    EXPECT_EQ(other.payload, one.payload);
}

Outcome Equivalence::expect(int from, const support::Bytes& frame, std::uint16_t source_port,
                            const Outcome& wanted, const Candidates& any_of) {
    Outcome outcome{.end = wanted.end};
    ovs_.send(from, frame);
    switch (wanted.end) {
        case End::kForwarded:
            expect_forwarded(outcome, wanted, any_of);
            break;
        case End::kRefused: {
            const auto came = ovs_.next_at(from);
            EXPECT_TRUE(came) << "eBPF: refused; OVS: no answer";
            // An answer of the node itself: its hop limit says nothing.
            if (came) {
                outcome.packet = *came;
                outcome.packet.ttl = wanted.packet.ttl;
                EXPECT_EQ(describe(outcome.packet), describe(wanted.packet));
            }
            break;
        }
        case End::kHeld:
            EXPECT_TRUE(ovs_.wait_held(source_port)) << "eBPF: held; OVS: not";
            break;
        case End::kDropped:
            break;  // whatever comes of it all the same is found at the end
    }
    return outcome;
}

using Counts = std::map<std::string, std::uint64_t>;

/// Zeros are left out, as only one switch may list them.
Counts counts(const Counters& counters) {
    Counts all;
    for (const auto& [edge, counted] : counters.edges) {
        all[fmt::format("{} -> {} opened", edge.from.text(), edge.to.text())] = counted.opened;
    }
    for (const auto& [function, counted] : counters.functions) {
        const auto put = [&](const char* what, std::uint64_t value) {
            all[function.text() + " " + what] = value;
        };
        put("opened", counted.opened);
        put("held", counted.held);
        put("no_endpoint", counted.no_endpoint);
        put("denied", counted.denied);
        put("audited", counted.audited);
    }
    for (const auto& drop : counters.drops) {
        // One switch sees a packet once, two programs twice (docs/ovs.md); what ends is seen once.
        if (drop.reason != DF_REASON_MIDFLOW) {
            all[fmt::format("packets {}", reason_name(drop.reason))] += drop.packets;
        }
    }
    for (const auto& denied : counters.denied) {
        all[fmt::format("denied {} -> {} {}", denied.from.text(), denied.to.text(),
                        reason_name(denied.reason))] += denied.calls;
    }
    std::erase_if(all, [](const auto& item) { return item.second == 0; });
    return all;
}

/// A packet, and if it opened something, what its callee answers and the caller says then.
void Equivalence::exchange(const Sent& packet) {
    SCOPED_TRACE(packet.text());
    const auto frame = frame_of(packet, ovs_.ethernet(packet.from));
    const auto any_of = candidates(packet);
    const auto one = ebpf_.send(packet.from, frame);
    const auto other = expect(packet.from, frame, packet.source_port, one, any_of);
    if (HasFatalFailure() || one.end != End::kForwarded) {
        return;
    }
    if (!any_of.empty()) {
        const model::RouteKey route{packet.destination, packet.destination_port,
                                    static_cast<util::Protocol>(packet.protocol)};
        seen_ebpf_[route].insert({one.packet.dst, one.packet.dport});
        seen_ovs_[route].insert({other.packet.dst, other.packet.dport});
    }
    const bool opens = (packet.protocol == 17 && !enters_entry(one.packet.dst)) ||
                       (packet.protocol == 6 && packet.tcp_flags == support::tcp_flag::kSyn);
    if (opens) {
        answer(packet, one, other);
    }
}

void Equivalence::answer(const Sent& call, const Outcome& ebpf, const Outcome& ovs) {
    const auto back = [&](const Outcome& there) {
        return Sent{.from = there.to,
                    .source = there.packet.dst,
                    .destination = there.packet.src,
                    .source_port = there.packet.dport,
                    .destination_port = there.packet.sport,
                    .protocol = call.protocol,
                    .tcp_flags = support::tcp_flag::kSyn | support::tcp_flag::kAck,
                    .seq = 5000,
                    .ack = 1001};
    };
    SCOPED_TRACE("its answer");
    const auto one = ebpf_.send(ebpf.to, frame_of(back(ebpf), ovs_.ethernet(ebpf.to)));
    const auto answered = back(ovs);
    static_cast<void>(
        expect(ovs.to, frame_of(answered, ovs_.ethernet(ovs.to)), answered.source_port, one, {}));
    if (HasFailure() || one.end != End::kForwarded) {
        return;
    }
    SCOPED_TRACE("what the caller says then");
    Sent more = call;
    more.tcp_flags = support::tcp_flag::kAck | support::tcp_flag::kPsh;
    more.seq = 1001;
    more.ack = 5001;
    const auto frame = frame_of(more, ovs_.ethernet(call.from), "hello");
    const auto then = ebpf_.send(call.from, frame);
    const auto other = expect(call.from, frame, call.source_port, then, candidates(call));
    if (then.end == End::kForwarded) {
        EXPECT_EQ(then.packet.dst, ebpf.packet.dst) << "the connection left its instance";
        EXPECT_EQ(other.packet.dst, ovs.packet.dst) << "the connection left its instance";
    }
}

/// What only one of them has, to be read.
template <typename All>
std::vector<typename All::value_type> only_in(const All& one, const All& other) {
    std::vector<typename All::value_type> rest;
    std::ranges::set_difference(one, other, std::back_inserter(rest));
    return rest;
}

/// Waits until OVS says the same: its counters and packets to the agent come a little later.
template <typename Asked>
void expect_soon(Asked ovs, const std::invoke_result_t<Asked>& ebpf) {
    static_cast<void>(support::wait_until([&] { return ovs() == ebpf; }, std::chrono::seconds(3)));
    const auto last = ovs();
    EXPECT_THAT(only_in(last, ebpf), testing::IsEmpty()) << "only OVS says so";
    EXPECT_THAT(only_in(ebpf, last), testing::IsEmpty()) << "only eBPF says so";
}

/// Silent drops are no events on Open vSwitch (docs/ovs.md), just counted.
std::set<Told> told_by_both(const Report& ebpf) {
    auto told = ebpf.told;
    std::erase_if(told, [](const Told& event) { return std::get<0>(event) == "drop"; });
    return told;
}

TEST_P(Equivalence, PacketsMeetTheSame) {
    for (int i = 0; i < kPackets && !HasFailure(); ++i) {
        exchange(node_.opening());
    }
    ASSERT_FALSE(HasFailure());
    expect_soon([&] { return counts(ovs_.counters()); }, counts(ebpf_.counters()));
    expect_soon([&] { return ovs_.report().told; }, told_by_both(ebpf_.report()));
    EXPECT_THAT(ovs_.left(), testing::IsEmpty());
}

TEST_P(Equivalence, CallsMeetTheSameCandidates) {
    for (const auto& [key, rule] : rules_.routes) {
        Sent probe = node_.call(0, key);
        if (candidates(probe).size() < 2) {
            continue;
        }
        for (int i = 0; i < kCallsForCandidates && !HasFailure(); ++i) {
            exchange(node_.call(0, key));
        }
        if (seen_ebpf_.contains(key)) {  // caller and callee have an edge
            EXPECT_EQ(seen_ebpf_.at(key), candidates(probe)) << key.text();
            EXPECT_EQ(seen_ovs_.at(key), candidates(probe)) << key.text();
        }
    }
    EXPECT_GE(seen_ovs_.size(), 2U) << "of one function at least, in both families";
    EXPECT_THAT(ovs_.left(), testing::IsEmpty());
}

std::string name_of(const testing::TestParamInfo<unsigned>& info) {
    return fmt::format("seed_{}_ovs", info.param);
}
INSTANTIATE_TEST_SUITE_P(Random, Equivalence, testing::Range(1U, 13U), name_of);

}  // namespace
}  // namespace directfaas::backend
