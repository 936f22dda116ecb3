// SPDX-License-Identifier: Apache-2.0
// Matches and flows as bytes: what is written is read back, in the switch's own forms, too.
#include "agent/backend/ovs/match.h"

#include <gtest/gtest.h>

#include "agent/backend/ovs/building.h"
#include "agent/backend/ovs/messages.h"
#include "agent/backend/ovs/records.h"

namespace directfaas::backend::ovs {
namespace {

util::IpAddress address(const char* text) { return *util::IpAddress::parse(text); }

Match round_trip(const Match& match) {
    Writer out;
    match.write(out);
    EXPECT_EQ(out.size() % 8, 0U);
    Reader in(out.bytes());
    auto read = Match::read(in);
    EXPECT_TRUE(read);
    EXPECT_EQ(in.left(), 0U);
    return *read;
}

TEST(OvsMatch, WhatIsWrittenIsRead) {
    Match match = flags(kFromPod, kToVip);
    match.with(Field::kInPort, 7).source(address("10.1.2.3"));
    match.transport(util::Protocol::kTcp, 8080).tcp_flags(kSyn, kSyn | kAck);
    match.with(Field::kCtLabel, 0x1234, 0xffffffff);
    const Match read = round_trip(match);
    EXPECT_EQ(read, match);
    EXPECT_EQ(read.key(), match.key());
    EXPECT_EQ(read.value(Field::kInPort), 7U);
    EXPECT_EQ(read.value(Field::kTcpDestination), 8080U);
    EXPECT_FALSE(read.value(field::kFlags)) << "masked";
}

TEST(OvsMatch, FullMaskIsExact) {
    EXPECT_EQ(Match().with(field::kTo, 5, 0xffffffff), Match().with(field::kTo, 5));
}

TEST(OvsMatch, OrderOfBuildingDoesNotMatter) {
    Match one;
    one.with(field::kTo, 5).destination(address("fd00::1"));
    Match two;
    two.destination(address("fd00::1")).with(field::kTo, 5);
    EXPECT_EQ(one.key(), two.key());
}

/// OpenFlow 1.5 tells registers in pairs of 64 bits: class 0x8001.
TEST(OvsMatch, RegisterPairsAreTwoRegisters) {
    Writer out;
    out.u16(1).u16(4 + 20);
    out.u32(0x80010000U | (1U << 9) | (1U << 8) | 16);  // pair 1: registers 2 and 3, masked
    out.u64(0x0000'0000'0000'0004).u64(0x0000'0000'ffff'ffff);
    Reader in(out.bytes());
    const auto match = Match::read(in);
    ASSERT_TRUE(match);
    EXPECT_EQ(*match, Match().with(reg(3), 4));
}

TEST(OvsMatch, CutOffIsNoMatch) {
    Writer out;
    Match().source(address("10.1.2.3")).write(out);
    for (std::size_t length = 0; length < 12; ++length) {
        Reader in(std::span(out.bytes()).first(length));
        EXPECT_FALSE(Match::read(in)) << length;
    }
}

TEST(OvsActions, NoteIsFoundBehindOtherActions) {
    Actions actions = Actions().set(field::kTo, 1).resubmit(3);
    actions.note("{\"a\":1}").output(1);
    EXPECT_EQ(find_note(actions.bytes()), "{\"a\":1}");
    EXPECT_EQ(find_note(Actions().output(1).bytes()), std::nullopt);
    EXPECT_EQ(actions.bytes().size() % 8, 0U);
}

TEST(OvsGroups, LargeOnesNeedSeveralMessagesAndNoneIsTooLong) {
    Change::GroupChange change;
    change.group.id = 1;
    for (std::uint32_t i = 0; i < 5000; ++i) {
        change.group.buckets.push_back({i, Bytes(112, 1)});
    }
    const auto messages = group_messages(change);
    EXPECT_GT(messages.size(), 1U);
    for (const Bytes& message : messages) {
        EXPECT_LE(message.size() + 24, kMessageMax);  // with the bundle's header
        EXPECT_EQ(read_header(message).length, message.size());
    }
}

TEST(OvsGroups, OneOfManyBucketsIsOneMessage) {
    Change::GroupChange change;
    for (std::uint32_t i = 0; i < 500; ++i) {
        change.before.push_back({i, Bytes(112, 1)});
    }
    change.group.buckets = change.before;
    change.group.buckets.erase(change.group.buckets.begin() + 7);
    EXPECT_EQ(group_messages(change).size(), 1U);
}

/// Names, numbers and settings come back from the notes of the flows alone.
TEST(OvsRecords, StateIsReadBackFromFlows) {
    State state;
    const model::Identity front{model::IdentityKind::kFunction, {"shop", "front"}};
    const model::Identity gate{model::IdentityKind::kEntry, {"shop", "gate"}};
    const model::RouteKey route{address("10.96.0.1"), 53, util::Protocol::kUdp};
    state.rules.identities[front] = {.enforcement = model::Enforcement::kAudit,
                                     .ingress = true,
                                     .served = {{8080, util::Protocol::kTcp}},
                                     .open = {{9100, util::Protocol::kUdp}}};
    state.rules.identities[gate] = {};
    state.rules.addresses[address("fd00::7")] = front;
    state.rules.routes[route] = {front,
                                 {{address("fd00::7"), 5353, model::EndpointState::kDraining, 4}},
                                 model::WhenEmpty::kHold,
                                 std::chrono::seconds{600}};
    state.rules.allowed = {{gate, front}, {{}, front}};
    state.rules.attachments[{"shop", "pod"}] = {front, 4, {address("fd00::7")}, false};
    for (const auto& [identity, rule] : state.rules.identities) {
        state.number(identity);
    }
    for (const auto& edge : state.rules.allowed) {
        state.edges[edge] = state.next_edge++;
    }
    state.routes[route] = state.next_route++;
    state.endpoints[route][{address("fd00::7"), 5353}] = state.next_endpoint++;
    state.pods[{"shop", "pod"}] = {kZoneFirst, 3, {2, 0, 0, 0, 0, 1}};

    std::vector<FoundFlow> flows;
    const auto add = [&](const Flows& more) {
        for (const Flow& flow : more) {
            flows.push_back({flow});
        }
    };
    for (const auto& [identity, rule] : state.rules.identities) {
        add(identity_flows(state, identity, rule));
    }
    add(address_flows(state, address("fd00::7"), front));
    add(route_flows(state, route, state.rules.routes.at(route)));
    for (const auto& edge : state.rules.allowed) {
        add(edge_flows(state, edge));
    }
    add(pod_flows(state, {"shop", "pod"}, state.rules.attachments.at({"shop", "pod"}), {}));
    add(numbers_flows(state, "node-1"));
    const State read = read_state(flows);
    EXPECT_EQ(read.rules, state.rules);
    EXPECT_EQ(read.edges, state.edges);
    EXPECT_EQ(read.routes, state.routes);
    EXPECT_EQ(read.endpoints, state.endpoints);
    EXPECT_EQ(read.pods, state.pods);
    EXPECT_EQ(read.next_endpoint, state.next_endpoint);
    EXPECT_EQ(read.instance, "node-1");
}

}  // namespace
}  // namespace directfaas::backend::ovs
