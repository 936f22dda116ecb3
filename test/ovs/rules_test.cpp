// SPDX-License-Identifier: Apache-2.0
// Rules go into the bridge and come back the same, whatever came before and whoever asks.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "test/backend/rule_generator.h"
#include "test/ovs/fixture.h"
#include "test/support/packet.h"

namespace directfaas::backend::ovs {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A model gives an address to one pod of a node at most, the generator does not.
model::RuleSet without_shared_addresses(model::RuleSet rules) {
    std::set<util::IpAddress> taken;
    for (auto& [pod, rule] : rules.attachments) {
        std::erase_if(rule.addresses,
                      [&](const auto& address) { return !taken.insert(address).second; });
    }
    return rules;
}

class Rules : public OvsTest {
   protected:
    std::vector<unsigned> ports(int count) {
        std::vector<unsigned> list;
        for (int i = 0; i < count; ++i) {
            list.push_back(add_port(fmt::format("v{}", i)));
        }
        return list;
    }
};

TEST_F(Rules, AnySequenceComesBackAsItIs) {
    const auto interfaces = ports(3);
    std::mt19937 random(1);
    for (int round = 0; round < 12; ++round) {
        SCOPED_TRACE(round);
        make(without_shared_addresses(ebpf::random_rules(random, interfaces)));
    }
    make({});
}

TEST_F(Rules, NextProcessFindsThem) {
    const auto interfaces = ports(2);
    std::mt19937 random(2);
    for (int round = 0; round < 4; ++round) {
        SCOPED_TRACE(round);
        const auto rules = without_shared_addresses(ebpf::random_rules(random, interfaces));
        make(rules);
        restart_backend();
        in_node([&] {
            const auto there = backend().dump();
            ASSERT_TRUE(there) << there.error().text();
            EXPECT_EQ(difference(*there, rules), "");
        });
    }
}

TEST_F(Rules, WhatIsDamagedIsMissedAndMended) {
    std::mt19937 random(3);
    const auto rules = ebpf::random_rules(random, ports(2));
    make(rules);
    change_switch("del-flows", {"cookie=0xdfaa000000000000/0xffff000000000000,table=110"});
    in_node([&] {
        const auto damaged = backend().dump();
        ASSERT_TRUE(damaged) << damaged.error().text();
        EXPECT_TRUE(damaged->allowed.empty());
        EXPECT_FALSE(rules.allowed.empty());
        const auto mended = backend().dump();
        ASSERT_TRUE(mended) << mended.error().text();
        EXPECT_EQ(difference(*mended, rules), "");
    });
}

TEST_F(Rules, ChangedActionsAreMissed) {
    std::mt19937 random(4);
    const auto rules = ebpf::random_rules(random, ports(1));
    make(rules);
    change_switch("mod-flows", {"table=110,actions=drop"});
    in_node([&] {
        const auto damaged = backend().dump();
        ASSERT_TRUE(damaged) << damaged.error().text();
        EXPECT_TRUE(damaged->allowed.empty());
    });
}

TEST_F(Rules, ForeignFlowsGroupsAndPortsStay) {
    add_port("foreign");
    change_switch("add-group", {"group_id=7,type=all,bucket=actions=drop"});
    change_switch("add-flow", {"table=0,priority=5,cookie=0x77,udp,tp_dst=7777,actions=group:7"});
    change_switch("add-flow", {"table=30,cookie=0x78,actions=drop"});
    std::mt19937 random(5);
    make(ebpf::random_rules(random, ports(1)));
    make({});
    EXPECT_TRUE(in_node([&] { return backend().remove(); }));
    EXPECT_FALSE(vswitch().has_our_flows());
    EXPECT_THAT(vswitch().ofctl("dump-flows"), HasSubstr("cookie=0x77"));
    EXPECT_THAT(vswitch().ofctl("dump-flows"), HasSubstr("cookie=0x78"));
    EXPECT_THAT(vswitch().ofctl("dump-groups"), HasSubstr("group_id=7"));
    EXPECT_THAT(vswitch().ofctl("dump-ports-desc"), HasSubstr("foreign"));
}

/// The switch itself remembers which calls the agent keeps; that is no damage to be mended.
TEST_F(Rules, KeptCallStaysRememberedUntilRemoval) {
    const model::Identity caller{model::IdentityKind::kFunction, {"shop", "caller"}};
    const model::Identity callee{model::IdentityKind::kFunction, {"shop", "callee"}};
    const auto address = *util::IpAddress::parse("10.1.0.1");
    model::RuleSet rules;
    rules.identities = {{caller, {}}, {callee, {}}};
    rules.attachments[{"shop", "caller-1"}] = {caller, ports(1).front(), {address}, false};
    rules.addresses[address] = caller;
    rules.routes[{*util::IpAddress::parse("10.96.0.1"), 80, util::Protocol::kTcp}] = {
        callee, {}, model::WhenEmpty::kHold};
    rules.allowed = {{caller, callee}};
    make(rules);
    const auto kept = [&] { return vswitch().ofctl("dump-flows", {"table=125"}); };
    EXPECT_THAT(kept(), Not(HasSubstr("tp_src=")));
    const auto syn =
        support::Eth{} / support::Ip4{.src = "10.1.0.1", .dst = "10.96.0.1"} / support::Tcp{};
    std::string hex;
    for (const auto byte : syn.bytes()) {
        hex += fmt::format("{:02x}", byte);
    }
    change_switch("packet-out", {"in_port=1,packet=" + hex + ",actions=resubmit(,0)"});
    EXPECT_THAT(kept(), HasSubstr("tp_src=40000,tp_dst=80"));
    in_node([&] {
        const auto there = backend().dump();
        ASSERT_TRUE(there) << there.error().text();
        EXPECT_EQ(difference(*there, rules), "");
    });
    EXPECT_THAT(kept(), HasSubstr("tp_src=40000"));
    make({});
    EXPECT_TRUE(in_node([&] { return backend().remove(); }));
    EXPECT_FALSE(vswitch().has_our_flows());
}

TEST_F(Rules, RemovalLeavesNothing) {
    std::mt19937 random(6);
    make(ebpf::random_rules(random, ports(2)));
    EXPECT_TRUE(vswitch().has_our_flows());
    end_backend();
    const auto removed = in_node([&] { return remove_instance(options()); });
    EXPECT_TRUE(removed) << removed.error().text();
    EXPECT_FALSE(vswitch().has_our_flows());
    EXPECT_THAT(vswitch().ofctl("dump-groups"), Not(HasSubstr("group_id")));
    EXPECT_THAT(vswitch().ofctl("dump-meters"), Not(HasSubstr("meter=5700")));
}

TEST_F(Rules, AnotherInstanceIsTurnedAway) {
    auto other = options();
    other.instance = "other";
    const auto made = in_node([&] { return create(other); });
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().text(), HasSubstr("is served by instance test"));
    EXPECT_TRUE(in_node([&] { return remove_instance(other); }));
    EXPECT_TRUE(vswitch().has_our_flows());
}

TEST_F(Rules, InterfaceThatIsNoPortIsTold) {
    std::mt19937 random(7);
    const auto rules = ebpf::random_rules(random, ports(1));
    ASSERT_FALSE(rules.attachments.empty());
    model::RuleDelta delta;
    delta.identities = rules.identities;
    delta.attachments = rules.attachments;
    delta.attachments.begin()->second.ifindex = 1;  // lo
    const auto applied = in_node([&] { return backend().apply(delta); });
    ASSERT_FALSE(applied);
    EXPECT_THAT(applied.error().text(), HasSubstr("ovs-vsctl add-port"));
}

}  // namespace
}  // namespace directfaas::backend::ovs
