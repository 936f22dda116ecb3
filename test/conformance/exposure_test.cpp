// SPDX-License-Identifier: Apache-2.0
// Who may call from outside the chain: entries, ordinary pods, the node itself, anybody at
// openPorts, and a function itself.
//
//   gateway, outsider [node-a] ══ front (ingress), back (internal) [node-a or node-b]
#include "test/conformance/scenario.h"

namespace directfaas::conformance {
namespace {

class Exposure : public Scenario {
   protected:
    Exposure()
        : Scenario({{.name = "front", .ingress = true}, {.name = "back", .open_ports = {9100}}},
                   {{"front", "back"}}) {}
    Instance& front_ = cluster_.add_instance("front", cluster_.far());
    Instance& back_ = cluster_.add_instance("back", cluster_.far());
};

TEST_P(Exposure, EntryReachesIngressFunctionsOnly) {
    expect_drops({"no_edge"});
    const Pod& gateway = cluster_.add_entry("gateway", NodeId::kA);
    cluster_.start();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(call(gateway, cluster_.vip("front")), pod(front_).name());
        EXPECT_EQ(call(gateway, cluster_.direct(front_)), pod(front_).name());
        EXPECT_EQ(call(gateway, cluster_.vip("back")), "ECONNREFUSED");
        EXPECT_EQ(call(gateway, cluster_.direct(back_)), "ECONNREFUSED");
    }
    EXPECT_EQ(cluster_.edge("gateway (entry)", "front").opened, 10U);
    EXPECT_EQ(cluster_.denied("gateway (entry)", "back"), 10U);
    EXPECT_EQ(front_.accepted(), 10U);
    EXPECT_EQ(back_.accepted(), 0U);
}

TEST_P(Exposure, OrdinaryPodReachesIngressFunctionsOnly) {
    expect_drops({"no_edge", "unknown_source"});
    const Pod& outsider = cluster_.add_outsider(NodeId::kA);
    cluster_.start();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(call(outsider, cluster_.direct(front_)), pod(front_).name());
    }
    EXPECT_EQ(call(outsider, cluster_.direct(back_)), "ECONNREFUSED");
    EXPECT_EQ(cluster_.edge("outside", "front").opened, 5U);
    EXPECT_EQ(cluster_.denied("outside", "back"), 1U);
    EXPECT_EQ(back_.accepted(), 0U);
}

TEST_P(Exposure, ProbeOfTheNodeItselfPasses) {
    cluster_.start();
    const Netns& node = cluster_.topology().node(cluster_.far());
    const auto before = cluster_.reason("probe");
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(call(node, cluster_.direct(back_)), pod(back_).name());
    }
    EXPECT_EQ(back_.accepted(), 5U);
    EXPECT_GE(cluster_.reason("probe"), before + 5);
}

/// Another host is as much outside as any other address.
TEST_P(Exposure, HostBehindTheRouterIsJudged) {
    expect_drops({"no_edge"});
    cluster_.start();
    const Netns& router = cluster_.topology().router();
    EXPECT_EQ(call(router, cluster_.direct(front_)), pod(front_).name());
    EXPECT_EQ(call(router, cluster_.direct(back_)), "ECONNREFUSED");
    EXPECT_EQ(cluster_.edge("outside", "front").opened, 1U);
    EXPECT_EQ(cluster_.denied("outside", "back"), 1U);
}

TEST_P(Exposure, OpenPortsAreForEverybody) {
    expect_drops({"no_edge"});
    cluster_.add_function({.name = "stranger"});
    Instance& stranger = cluster_.add_instance("stranger", NodeId::kA);
    const Pod& outsider = cluster_.add_outsider(NodeId::kA);
    LineServer metrics(pod(back_).netns(), "metrics", 9100);
    cluster_.start();
    const SocketAddress open{pod(back_).ip(cluster_.family()), 9100};
    EXPECT_EQ(call(outsider, open), "metrics");
    EXPECT_EQ(call(stranger, open), "metrics");
    EXPECT_EQ(call(stranger, cluster_.direct(back_)), "ECONNREFUSED");
    EXPECT_EQ(metrics.accepted(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Paths, Exposure, testing::ValuesIn(path_setups()), setup_name);

class SelfCall : public Scenario {};

TEST_P(SelfCall, NeedsAllowSelf) {
    expect_drops({"no_edge"});
    cluster_.add_function({.name = "recursive", .allow_self = true});
    cluster_.add_function({.name = "plain"});
    Instance& recursive = cluster_.add_instance("recursive", NodeId::kA);
    Instance& plain = cluster_.add_instance("plain", NodeId::kA);
    cluster_.start();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(call(recursive, cluster_.vip("recursive")), pod(recursive).name());
    }
    EXPECT_EQ(call(plain, cluster_.vip("plain")), "ECONNREFUSED");
    EXPECT_EQ(cluster_.edge("recursive", "recursive").opened, 5U);
    EXPECT_EQ(recursive.accepted(), 5U);
    EXPECT_EQ(plain.accepted(), 0U);
}

TEST_P(SelfCall, ReachesEveryInstance) {
    cluster_.add_function({.name = "recursive", .allow_self = true});
    Instance& near = cluster_.add_instance("recursive", NodeId::kA);
    Instance& other = cluster_.add_instance("recursive", cluster_.far());
    cluster_.start();
    std::map<std::string, int> answers;
    for (int i = 0; i < 40; ++i) {
        ++answers[call(near, cluster_.vip("recursive"))];
    }
    EXPECT_EQ(answers.size(), 2U) << testing::PrintToString(answers);
    EXPECT_GT(answers[pod(near).name()], 0);
    EXPECT_GT(answers[pod(other).name()], 0);
    EXPECT_EQ(cluster_.edge("recursive", "recursive").opened, 40U);
    EXPECT_EQ(near.accepted() + other.accepted(), 40U);
}

INSTANTIATE_TEST_SUITE_P(Paths, SelfCall, testing::ValuesIn(path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
