// SPDX-License-Identifier: Apache-2.0
// Edges and enforcement change while connections are open.
//
//   caller, stranger [node-a] ══ callee [node-a or node-b]
#include "test/conformance/scenario.h"

namespace directfaas::conformance {
namespace {

class PolicyChange : public Scenario {
   protected:
    PolicyChange()
        : Scenario({{.name = "caller"}, {.name = "stranger"}, {.name = "callee"}},
                   {{"caller", "callee"}}) {}
    Instance& caller_ = cluster_.add_instance("caller", NodeId::kA);
    Instance& stranger_ = cluster_.add_instance("stranger", NodeId::kA);
    Instance& callee_ = cluster_.add_instance("callee", cluster_.far());
};

TEST_P(PolicyChange, RevokedEdgeStopsOpenConnectionsAtOnce) {
    expect_drops({"no_edge", "edge_revoked"});
    cluster_.start();
    for (const SocketAddress& to : {cluster_.vip("callee"), cluster_.direct(callee_)}) {
        auto client = TcpClient::connect(pod(caller_).netns(), to);
        ASSERT_TRUE(client) << client.error().text();
        EXPECT_TRUE(client->ask("before"));
        const std::uint64_t lines = callee_.tcp.at(8080)->lines();

        cluster_.chain().edges.clear();
        cluster_.sync();
        const auto answer = client->ask("after");
        ASSERT_FALSE(answer) << *answer;
        EXPECT_EQ(error_name(answer.error().code), "ECONNRESET");
        EXPECT_EQ(callee_.tcp.at(8080)->lines(), lines);  // no byte passed
        EXPECT_EQ(call(caller_, to), "ECONNREFUSED");

        cluster_.add_edges("caller", {"callee"});
        cluster_.sync();
        EXPECT_EQ(call(caller_, to), pod(callee_).name());
    }
    EXPECT_EQ(callee_.accepted(), 4U);
}

TEST_P(PolicyChange, AddedEdgeWorksAtOnce) {
    expect_drops({"no_edge"});
    cluster_.start();
    EXPECT_EQ(call(stranger_, cluster_.vip("callee")), "ECONNREFUSED");
    EXPECT_EQ(call(stranger_, cluster_.direct(callee_)), "ECONNREFUSED");
    cluster_.add_edges("stranger", {"callee"});
    cluster_.sync();
    EXPECT_EQ(call(stranger_, cluster_.vip("callee")), pod(callee_).name());
    EXPECT_EQ(call(stranger_, cluster_.direct(callee_)), pod(callee_).name());
    EXPECT_EQ(cluster_.edge("stranger", "callee").opened, 2U);
    EXPECT_EQ(cluster_.denied("stranger", "callee"), 2U);
}

TEST_P(PolicyChange, AuditToEnforceKeepsOpenConnections) {
    expect_drops({"no_edge"});
    cluster_.chain().enforcement = "Audit";
    cluster_.start();
    const LoadOptions kept{.mode = LoadMode::kKeptConnections, .workers = 1};
    Load allowed(pod(caller_).netns(), cluster_.vip("callee"), kept);
    Load audited(pod(stranger_).netns(), cluster_.vip("callee"), kept);
    Load audited_direct(pod(stranger_).netns(), cluster_.direct(callee_), kept);
    ASSERT_TRUE(allowed.wait_for(10) && audited.wait_for(10) && audited_direct.wait_for(10));
    EXPECT_EQ(cluster_.denied("stranger", "callee"), 2U);  // what Enforce would refuse

    cluster_.chain().enforcement = "Enforce";
    cluster_.sync();
    EXPECT_EQ(call(stranger_, cluster_.vip("callee")), "ECONNREFUSED");
    EXPECT_EQ(call(stranger_, cluster_.direct(callee_)), "ECONNREFUSED");
    ASSERT_TRUE(allowed.wait_for(50) && audited.wait_for(50) && audited_direct.wait_for(50));

    for (Load* load : {&allowed, &audited, &audited_direct}) {
        const LoadReport report = load->stop();
        expect_no_failure(report);
        EXPECT_EQ(report.connections, 1U);
    }
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 1U);
    EXPECT_EQ(cluster_.denied("stranger", "callee"), 4U);
    EXPECT_EQ(callee_.accepted(), 3U);
}

TEST_P(PolicyChange, DisabledJudgesNothing) {
    cluster_.chain().enforcement = "Disabled";
    cluster_.start();
    EXPECT_EQ(call(stranger_, cluster_.vip("callee")), pod(callee_).name());
    EXPECT_EQ(call(stranger_, cluster_.direct(callee_)), pod(callee_).name());
    EXPECT_EQ(cluster_.denied("stranger", "callee"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Paths, PolicyChange, testing::ValuesIn(path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
