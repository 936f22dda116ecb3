// SPDX-License-Identifier: Apache-2.0
// The agent comes, dies, comes back and goes for good, and no open connection notices.
//
//   caller [node-a] ══ callee [node-a or node-b], load all the time
#include <gmock/gmock.h>

#include "test/conformance/scenario.h"

namespace directfaas::conformance {
namespace {

constexpr LoadOptions kKept{.mode = LoadMode::kKeptConnections};

class Lifecycle : public Scenario {
   protected:
    Lifecycle()
        : Scenario({{.name = "caller"}, {.name = "stranger"}, {.name = "callee"}},
                   {{"caller", "callee"}}) {}
    [[nodiscard]] const Netns& from() const { return pod(caller_).netns(); }
    void expect_nothing_attached() {
        for (const Instance* instance : {&caller_, &stranger_, &callee_}) {
            EXPECT_EQ(attached_programs(cluster_.topology().node(pod(*instance).node()),
                                        pod(*instance).host_ifindex()),
                      0U);
        }
    }

    Instance& caller_ = cluster_.add_instance("caller", NodeId::kA);
    Instance& stranger_ = cluster_.add_instance("stranger", NodeId::kA);
    Instance& callee_ = cluster_.add_instance("callee", cluster_.far());
};

TEST_P(Lifecycle, AdoptionBreaksNoOpenConnection) {
    expect_drops({"no_edge"});
    Load allowed(from(), cluster_.direct(callee_), kKept);
    Load denied(pod(stranger_).netns(), cluster_.direct(callee_), kKept);
    ASSERT_TRUE(allowed.wait_for(20) && denied.wait_for(20));

    cluster_.start();
    EXPECT_EQ(attached_programs(cluster_.topology().node(NodeId::kA), pod(caller_).host_ifindex()),
              GetParam().ovs() ? 0U : 2U);
    ASSERT_TRUE(allowed.wait_for(50) && denied.wait_for(50));

    EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(callee_).name());
    EXPECT_EQ(call(stranger_, cluster_.direct(callee_)), "ECONNREFUSED");
    expect_no_failure(allowed.stop());
    expect_no_failure(denied.stop());
    EXPECT_GT(cluster_.reason("midflow"), 0U);
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 1U);
}

TEST_P(Lifecycle, KillAndRestartUnderLoadLosesNothing) {
    expect_drops({"no_edge"});
    // One port to a vIP and to its instance at once is too much for Open vSwitch (docs/ovs.md).
    Instance& direct_caller =
        GetParam().ovs() ? cluster_.add_instance("caller", NodeId::kA) : caller_;
    cluster_.start();
    Load fresh(from(), cluster_.vip("callee"), kFresh);
    Load kept(from(), cluster_.vip("callee"), kKept);
    Load direct(pod(direct_caller).netns(), cluster_.direct(callee_), kFresh);
    ASSERT_TRUE(fresh.wait_for(20) && kept.wait_for(20) && direct.wait_for(20));
    EXPECT_EQ(call(stranger_, cluster_.vip("callee")), "ECONNREFUSED");
    for (int round = 0; round < 2; ++round) {
        for (const NodeId node : cluster_.nodes()) {
            cluster_.agent(node).kill();
        }
        auto denied = TcpClient::start(pod(stranger_).netns(), cluster_.vip("callee"));
        ASSERT_TRUE(denied);
        ASSERT_TRUE(fresh.wait_for(50) && kept.wait_for(50));
        if (GetParam().ovs()) {  // still enforced, but it is the agent that answers
            EXPECT_TRUE(denied->connecting());
            denied->close();
        } else {
            const auto refused = denied->finish();
            EXPECT_EQ(refused ? "connected" : error_name(refused.error().code), "ECONNREFUSED");
        }
        for (const NodeId node : cluster_.nodes()) {
            cluster_.agent(node).start();
        }
        ASSERT_TRUE(fresh.wait_for(50) && kept.wait_for(50));
    }
    const LoadReport one = fresh.stop();
    const LoadReport two = kept.stop();
    const LoadReport three = direct.stop();
    for (const LoadReport* report : {&one, &two, &three}) {
        expect_no_failure(*report);
    }
    EXPECT_EQ(cluster_.edge("caller", "callee").opened,
              one.connections + two.connections + three.connections);
    // Without an answer a caller may send its SYN again.
    EXPECT_THAT(cluster_.denied("stranger", "callee"),
                GetParam().ovs() ? testing::Ge(3U) : testing::Matcher<std::uint64_t>(3U));
}

TEST_P(Lifecycle, RemovalUnderLoadBreaksNoDirectConnection) {
    cluster_.start();
    Load kept(from(), cluster_.direct(callee_), kKept);
    Load fresh(from(), cluster_.direct(callee_), kFresh);
    ASSERT_TRUE(kept.wait_for(20) && fresh.wait_for(20));
    for (const NodeId node : cluster_.nodes()) {
        EXPECT_EQ(cluster_.agent(node).terminate(), 0);
        EXPECT_EQ(cluster_.agent(node).remove(), 0);
        EXPECT_FALSE(cluster_.agent(node).left_something());
        ASSERT_TRUE(kept.wait_for(30) && fresh.wait_for(30));
    }
    expect_nothing_attached();
    ASSERT_TRUE(kept.wait_for(50) && fresh.wait_for(50));
    expect_no_failure(kept.stop());
    expect_no_failure(fresh.stop());
    EXPECT_EQ(call(stranger_, cluster_.direct(callee_)), pod(callee_).name());  // nobody judges
}

TEST_P(Lifecycle, DetachAllDrainsAndEndsTheAgent) {
    cluster_.start();
    Load kept(from(), cluster_.direct(callee_), kKept);
    auto through_vip = TcpClient::connect(from(), cluster_.vip("callee"));
    ASSERT_TRUE(through_vip) << through_vip.error().text();
    ASSERT_TRUE(kept.wait_for(20) && through_vip->ask("x"));
    through_vip->close();  // else the drain would wait for it
    for (const NodeId node : cluster_.nodes()) {
        const auto answer = cluster_.agent(node).control(
            {{"command", "detach"}, {"all", true}, {"timeout_seconds", 1}});
        EXPECT_TRUE(answer.contains("drained")) << answer;
        EXPECT_EQ(cluster_.agent(node).wait_exit(), 0);
        EXPECT_FALSE(cluster_.agent(node).left_something());
    }
    expect_nothing_attached();
    ASSERT_TRUE(kept.wait_for(50));
    expect_no_failure(kept.stop());
}

INSTANTIATE_TEST_SUITE_P(Paths, Lifecycle, testing::ValuesIn(all_setups()), setup_name);

/// Agents whose tables have another layout take over from each other (docs/datapath.md#tables).
class LayoutChange : public Lifecycle {};

TEST_P(LayoutChange, UnderLoadLosesNothing) {
    cluster_.start();
    Load fresh(from(), cluster_.vip("callee"), kFresh);
    Load kept(from(), cluster_.vip("callee"), kKept);
    Load direct(from(), cluster_.direct(callee_), kFresh);
    ASSERT_TRUE(fresh.wait_for(20) && kept.wait_for(20) && direct.wait_for(20));
    for (const char* program : {DF_OTHER_LAYOUT_AGENT_PATH, ""}) {
        for (const NodeId node : cluster_.nodes()) {
            cluster_.agent(node).kill();
            cluster_.agent(node).options().program = program;
            cluster_.agent(node).start();
            ASSERT_TRUE(fresh.wait_for(50) && kept.wait_for(50) && direct.wait_for(50));
        }
    }
    for (Load* load : {&fresh, &kept, &direct}) {
        expect_no_failure(load->stop());
    }
}

std::vector<Setup> ebpf_setups() {
    auto all = all_setups();
    std::erase_if(all, [](const Setup& setup) { return setup.ovs(); });
    return all;
}
INSTANTIATE_TEST_SUITE_P(Paths, LayoutChange, testing::ValuesIn(ebpf_setups()), setup_name);

/// The userspace datapath loses its connections with ovs-vswitchd; all the rest comes back.
class SwitchRestart : public Lifecycle {
   protected:
    void SetUp() override {
        Lifecycle::SetUp();
        vswitch_.vsctl({"set-fail-mode", vswitch_.bridge(), "secure"});
    }
    [[nodiscard]] bool agent_reaches_bridge() {
        try {
            static_cast<void>(
                cluster_.agent(NodeId::kA).control({{"command", "rules"}, {"installed", true}}));
            return true;
        } catch (const SupportError&) {
            return false;
        }
    }

    VSwitch& vswitch_ = cluster_.topology().vswitch(NodeId::kA);
};

TEST_P(SwitchRestart, KilledSwitchJudgesAndCountsAgain) {
    expect_drops({"no_edge", "stale_flow"});
    cluster_.start();
    Load fresh(from(), cluster_.vip("callee"), kFresh);
    // Denied all the time: not one of these may slip through while the tables are empty.
    Load denied_by_vip(pod(stranger_).netns(), cluster_.vip("callee"), kFresh);
    Load denied_by_address(pod(stranger_).netns(), cluster_.direct(callee_), kFresh);
    ASSERT_TRUE(fresh.wait_for(50) && denied_by_vip.wait_for(5) && denied_by_address.wait_for(5));
    for (int round = 0; round < 2; ++round) {
        // What is asked for is up to date, so nothing of it may be lost.
        const auto opened = cluster_.edge("caller", "callee").opened;
        const auto denied = cluster_.denied("stranger", "callee");
        vswitch_.kill_switch();
        vswitch_.start_switch();
        ASSERT_TRUE(wait_until([&] { return agent_reaches_bridge(); }));
        EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(callee_).name());
        EXPECT_EQ(call(stranger_, cluster_.vip("callee")), "ECONNREFUSED");
        EXPECT_EQ(call(stranger_, cluster_.direct(callee_)), "ECONNREFUSED");
        ASSERT_TRUE(fresh.wait_for(50));
        EXPECT_GT(cluster_.edge("caller", "callee").opened, opened);
        EXPECT_GE(cluster_.denied("stranger", "callee"), denied + 2);
    }
    EXPECT_EQ(denied_by_vip.stop().answered, 0U);
    EXPECT_EQ(denied_by_address.stop().answered, 0U);
    // Connections of those moments are lost (docs/ovs.md), and those after them are not.
    EXPECT_GT(fresh.stop().answered, 100U);
}

std::vector<Setup> one_node_ovs_setups() {
    auto all = one_node_setups();
    std::erase_if(all, [](const Setup& setup) { return !setup.ovs(); });
    return all;
}
INSTANTIATE_TEST_SUITE_P(Paths, SwitchRestart, testing::ValuesIn(one_node_ovs_setups()),
                         setup_name);

/// Two agents of different --instance on one kernel: the nodes are namespaces of it.
class SideBySide : public Scenario {};

TEST_P(SideBySide, RemovalOfOneLeavesTheOtherAlone) {
    expect_drops({"no_edge"});
    cluster_.add_function({.name = "caller"});
    cluster_.add_function({.name = "callee"});
    cluster_.add_edges("caller", {"callee"});
    Instance& caller = cluster_.add_instance("caller", NodeId::kA);
    Instance& callee = cluster_.add_instance("callee", NodeId::kA);
    cluster_.add_instance("caller", NodeId::kB);
    cluster_.start();
    EXPECT_EQ(call(caller, cluster_.vip("callee")), pod(callee).name());

    AgentProcess& other = cluster_.agent(NodeId::kB);
    const auto edges = other.control({{"command", "edges"}})["edges"];
    for (const auto& edge : edges) {
        EXPECT_EQ(edge["opened"], 0) << edge;  // what node-a saw is not node-b's
    }
    EXPECT_EQ(other.terminate(), 0);
    EXPECT_EQ(other.remove(), 0);
    EXPECT_FALSE(other.left_something());
    EXPECT_TRUE(cluster_.agent(NodeId::kA).left_something());

    EXPECT_EQ(call(caller, cluster_.vip("callee")), pod(callee).name());
    EXPECT_EQ(call(callee, cluster_.vip("caller")), "ECONNREFUSED");
    const auto counted = cluster_.agent(NodeId::kA).control({{"command", "edges"}})["edges"];
    EXPECT_TRUE(std::ranges::any_of(counted, [](const auto& edge) {
        return edge["from"] == "shop/caller" && edge["opened"] == 2;
    })) << counted;
    other.start();
}

INSTANTIATE_TEST_SUITE_P(Paths, SideBySide, testing::ValuesIn(two_node_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
