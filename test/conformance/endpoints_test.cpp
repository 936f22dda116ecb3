// SPDX-License-Identifier: Apache-2.0
// Instances come and go under load.
//
//   caller [node-a] ══ vIP ══ callee × 1..3 [node-a or node-b]
#include "test/conformance/scenario.h"

namespace directfaas::conformance {
namespace {

class Endpoints : public Scenario {
   protected:
    Endpoints()
        : Scenario({{.name = "caller"}, {.name = "callee", .ports = {PortSpec{}, kDns}}},
                   {{"caller", "callee"}}) {}
    [[nodiscard]] const Netns& from() const { return pod(caller_).netns(); }
    void set_state(const std::vector<Instance*>& instances, InstanceState state) {
        for (Instance* instance : instances) {
            instance->state = state;
        }
        cluster_.sync();
    }

    Instance& caller_ = cluster_.add_instance("caller", NodeId::kA);
    Instance& first_ = cluster_.add_instance("callee", cluster_.far());
};

TEST_P(Endpoints, ScaleUpAndDownUnderLoadLosesNothing) {
    cluster_.start();
    Load fresh(from(), cluster_.vip("callee"), {.mode = LoadMode::kNewConnections});
    Load kept(from(), cluster_.vip("callee"), {.mode = LoadMode::kKeptConnections});
    ASSERT_TRUE(fresh.wait_for(20));

    std::vector<Instance*> added{&cluster_.add_instance("callee", cluster_.far()),
                                 &cluster_.add_instance("callee", cluster_.far())};
    cluster_.sync();
    Load spread(from(), cluster_.vip("callee"), {.workers = 1});
    Load stays(from(), cluster_.vip("callee"), {.mode = LoadMode::kKeptConnections, .workers = 6});
    ASSERT_TRUE(spread.wait_for(300));
    const LoadReport even = spread.stop();

    set_state(added, InstanceState::kTerminating);
    const std::uint64_t accepted = added[0]->accepted() + added[1]->accepted();
    ASSERT_TRUE(fresh.wait_for(100) && kept.wait_for(50) && stays.wait_for(50));
    EXPECT_EQ(added[0]->accepted() + added[1]->accepted(), accepted);  // no new ones
    const LoadReport drained = stays.stop();
    for (Instance* instance : added) {
        cluster_.remove_instance(*instance);
    }
    cluster_.sync();
    ASSERT_TRUE(fresh.wait_for(50) && kept.wait_for(50));

    const LoadReport one = fresh.stop();
    const LoadReport two = kept.stop();
    for (const LoadReport* report : {&one, &two, &even, &drained}) {
        EXPECT_EQ(report->failed, 0U) << testing::PrintToString(report->failures);
    }
    EXPECT_EQ(drained.by_server.size(), 3U);  // it did use the instances that went
    // Each of three instances: mean 100 of 300, standard deviation 8.2.
    EXPECT_EQ(even.by_server.size(), 3U);
    for (const auto& [server, requests] : even.by_server) {
        EXPECT_NEAR(static_cast<double>(requests) / static_cast<double>(even.answered), 1.0 / 3,
                    0.15)
            << server;
    }
    EXPECT_EQ(cluster_.edge("caller", "callee").opened,
              one.connections + two.connections + even.connections + drained.connections);
}

TEST_P(Endpoints, NotReadyGetsNoNewConnections) {
    Instance& second = cluster_.add_instance("callee", cluster_.far());
    cluster_.start();
    set_state({&second}, InstanceState::kNotReady);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(first_).name());
    }
    set_state({&second, &first_}, InstanceState::kReady);
    set_state({&first_}, InstanceState::kNotReady);
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(second).name());
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 21U);
}

TEST_P(Endpoints, NoneReadyIsRefused) {
    expect_drops({"no_endpoint"});
    cluster_.start();
    set_state({&first_}, InstanceState::kNotReady);
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), "ECONNREFUSED");
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 0U);
    EXPECT_EQ(first_.accepted(), 0U);
}

TEST_P(Endpoints, GoneInstanceResetsItsCaller) {
    expect_drops({"endpoint_gone"});
    cluster_.start();
    auto client = TcpClient::connect(from(), cluster_.vip("callee"));
    ASSERT_TRUE(client) << client.error().text();
    EXPECT_TRUE(client->ask("x"));
    Instance& second = cluster_.add_instance("callee", cluster_.far());
    cluster_.remove_instance(first_);
    cluster_.sync();
    const auto answer = client->ask("x");
    ASSERT_FALSE(answer) << *answer;
    EXPECT_EQ(error_name(answer.error().code), "ECONNRESET");
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(second).name());
    const EdgeCount edge = cluster_.edge("caller", "callee");
    EXPECT_EQ(edge.opened, 2U);
    EXPECT_GE(edge.reset, 1U);
}

TEST_P(Endpoints, GoneInstanceLosesItsDatagramsToAnother) {
    cluster_.start();
    auto client = UdpClient::connect(from(), cluster_.vip("callee", 1));
    ASSERT_TRUE(client);
    EXPECT_EQ(client->ask("x").value_or(""), pod(first_).name() + " x");
    Instance& second = cluster_.add_instance("callee", cluster_.far());
    cluster_.remove_instance(first_);
    cluster_.sync();
    EXPECT_EQ(client->ask("y").value_or(""), pod(second).name() + " y");
}

INSTANTIATE_TEST_SUITE_P(Paths, Endpoints, testing::ValuesIn(path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
