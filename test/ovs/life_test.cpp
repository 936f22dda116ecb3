// SPDX-License-Identifier: Apache-2.0
// ovs-vswitchd and ovsdb-server go and come back.
#include <gmock/gmock.h>

#include <random>

#include "test/backend/rule_generator.h"
#include "test/ovs/fixture.h"
#include "test/support/command.h"

namespace directfaas::backend::ovs {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;

model::RuleSet some_rules(unsigned ifindex) {
    std::mt19937 random(11);
    return ebpf::random_rules(random, {ifindex});
}

TEST_F(OvsTest, KilledSwitchGetsEverythingAgain) {
    const auto rules = some_rules(add_port("v0"));
    make(rules);
    vswitch().kill_switch();
    EXPECT_FALSE(in_node([&] { return backend().sweep(); }));
    vswitch().start_switch();
    wait_until_recovered();
    in_node([&] {
        const auto there = backend().dump();
        ASSERT_TRUE(there) << there.error().text();
        EXPECT_EQ(difference(*there, rules), "");
    });
}

TEST_F(OvsTest, CountersGoOnWhereTheyWere) {
    make(some_rules(add_port("v0")));
    // A packet from the pod with a foreign source.
    const std::string packet =
        "in_port=1,packet=eeeeeeeeeeee0a0000000001080045000020000100004011000001010101"
        "02020202003500350008000000000000,actions=resubmit(,0)";
    change_switch("packet-out", {packet});
    const auto spoofed = [&] {
        const auto counters = in_node([&] { return backend().counters(); });
        EXPECT_TRUE(counters) << counters.error().text();
        std::uint64_t packets = 0;
        for (const auto& drop : counters->drops) {
            packets += drop.reason == DF_REASON_SPOOFED ? drop.packets : 0;
        }
        return packets;
    };
    EXPECT_EQ(spoofed(), 1U);
    vswitch().kill_switch();
    vswitch().start_switch();
    wait_until_recovered();
    EXPECT_EQ(spoofed(), 1U);
    change_switch("packet-out", {packet});
    EXPECT_EQ(spoofed(), 2U);
    restart_backend();
    EXPECT_EQ(spoofed(), 2U);
}

/// Without its database ovs-vswitchd does nothing at all, and takes no rules.
TEST_F(OvsTest, DatabaseThatIsGoneAndBackIsNoticed) {
    const auto rules = some_rules(add_port("v0"));
    vswitch().kill_database();
    EXPECT_FALSE(in_node([&] { return backend().apply(model::plan({}, rules)); }));
    vswitch().start_database();
    wait_until_recovered();
    make(rules);
}

TEST_F(OvsTest, ProbeTellsWhatIsThereAndWhatIsNot) {
    const auto found = in_node([&] { return probe_node(options()); });
    EXPECT_THAT(found, Contains(testing::AllOf(Field(&Capability::name, "bridge"),
                                               Field(&Capability::available, true))));
    EXPECT_THAT(found, Contains(testing::AllOf(
                           Field(&Capability::name, "datapath"),
                           Field(&Capability::detail, HasSubstr(support::ovs_datapath())))));
    EXPECT_THAT(found, Contains(testing::AllOf(Field(&Capability::name, "fail_mode"),
                                               Field(&Capability::available, false))));
    if (support::ovs_datapath() == "netdev") {
        const auto shown = support::run_command({"ovs-vswitchd", "--version"}).output;
        const bool early = shown.find("(Open vSwitch) 3.1") != std::string::npos;
        EXPECT_THAT(found, Contains(testing::AllOf(
                               Field(&Capability::name, "userspace_tracker"),
                               Field(&Capability::available, !early),
                               Field(&Capability::detail, shown.substr(0, shown.find('\n'))))));
    }
    auto elsewhere = options();
    elsewhere.bridge = "nowhere";
    const auto nothing = in_node([&] { return probe_node(elsewhere); });
    EXPECT_THAT(nothing, Contains(testing::AllOf(Field(&Capability::name, "bridge"),
                                                 Field(&Capability::available, false),
                                                 Field(&Capability::required, true))));
}

}  // namespace
}  // namespace directfaas::backend::ovs
