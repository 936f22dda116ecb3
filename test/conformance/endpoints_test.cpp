// SPDX-License-Identifier: Apache-2.0
// Instances come and go under load.
//
//   caller [node-a] ══ vIP ══ callee × 1..3 [node-a or node-b]
#include <fmt/ranges.h>
#include <gmock/gmock.h>

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

TEST_P(Endpoints, ScaleUpUnderLoadSpreadsEvenlyAndLosesNothing) {
    cluster_.start();
    Load load(from(), cluster_.vip("callee"), kFresh);
    ASSERT_TRUE(load.wait_for(20));
    cluster_.add_instance("callee", cluster_.far());
    cluster_.add_instance("callee", cluster_.far());
    cluster_.sync();
    ASSERT_TRUE(load.wait_for(100));
    const LoadReport report = load.stop();
    expect_no_failure(report);
    EXPECT_EQ(report.by_server.size(), 3U);

    // One after the other, so that no instance is busier than another when the choice is made:
    // 100 of 300 calls each, standard deviation 8.2.
    constexpr int kCalls = 300;
    std::map<std::string, int> answers;
    for (int i = 0; i < kCalls; ++i) {
        ++answers[call(caller_, cluster_.vip("callee"))];
    }
    EXPECT_EQ(answers.size(), 3U) << testing::PrintToString(answers);
    for (const auto& [server, calls] : answers) {
        EXPECT_NEAR(calls, kCalls / 3, 45) << server;
    }
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, report.connections + kCalls);
}

TEST_P(Endpoints, ScaleDownUnderLoadDrainsAndLosesNothing) {
    if (GetParam().ovs()) {
        // In userspace it takes longer until the last FIN has arrived: it may meet nobody.
        expect_drops({"endpoint_gone"});
    }
    Instance& second = cluster_.add_instance("callee", cluster_.far());
    Instance& third = cluster_.add_instance("callee", cluster_.far());
    cluster_.start();
    Load fresh(from(), cluster_.vip("callee"), kFresh);
    // Enough for each instance to have some: Open vSwitch chooses by a hash, not by who has least.
    const int connections = GetParam().ovs() ? 30 : 9;
    Load kept(from(), cluster_.vip("callee"),
              {.mode = LoadMode::kKeptConnections, .workers = connections});
    ASSERT_TRUE(fresh.wait_for(20) && kept.wait_for(20));
    set_state({&second, &third}, InstanceState::kTerminating);
    const std::uint64_t accepted = second.accepted() + third.accepted();
    ASSERT_TRUE(fresh.wait_for(100) && kept.wait_for(100));
    EXPECT_EQ(second.accepted() + third.accepted(), accepted);  // no new ones
    const LoadReport drained = kept.stop();
    cluster_.remove_instance(second);
    cluster_.remove_instance(third);
    cluster_.sync();
    ASSERT_TRUE(fresh.wait_for(50));
    const LoadReport report = fresh.stop();
    expect_no_failure(report);
    expect_no_failure(drained);
    EXPECT_EQ(drained.by_server.size(), 3U);  // it did use the instances that went
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, report.connections + drained.connections);
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
    if (!GetParam().ovs()) {  // which does not count how connections end
        EXPECT_GE(edge.reset, 1U);
    }
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

class Affinity : public Scenario {
   protected:
    Affinity()
        : Scenario({{.name = "caller"}, {.name = "callee", .affinity_s = 600}},
                   {{"caller", "callee"}}) {
        for (int i = 0; i < 8; ++i) {
            callers_.push_back(&cluster_.add_instance("caller", NodeId::kA));
        }
        for (int i = 0; i < 3; ++i) {
            callees_.push_back(&cluster_.add_instance("callee", cluster_.far()));
        }
    }
    /// Who answers this caller, by name; several with commas between.
    std::string answers(Instance& caller) {
        std::set<std::string> all;
        for (int i = 0; i < 10; ++i) {
            all.insert(call(caller, cluster_.vip("callee")));
        }
        return fmt::format("{}", fmt::join(all, ","));
    }
    std::vector<Instance*> callers_;
    std::vector<Instance*> callees_;
};

TEST_P(Affinity, CallersKeepTheirInstances) {
    cluster_.start();
    std::map<Instance*, std::string> before;
    std::set<std::string> used;
    for (Instance* caller : callers_) {
        before[caller] = answers(*caller);
        used.insert(before[caller]);
    }
    EXPECT_THAT(used, testing::IsSubsetOf({pod(*callees_[0]).name(), pod(*callees_[1]).name(),
                                           pod(*callees_[2]).name()}))
        << "one instance for each caller";
    if (GetParam().ovs()) {  // where the addresses decide; in eBPF, chance
        EXPECT_GT(used.size(), 1U);
    }
    // Whose instance goes meets another one, and all others keep theirs.
    Instance& gone = *callees_[0];
    const std::string name = pod(gone).name();
    gone.state = InstanceState::kNotReady;
    cluster_.sync();
    for (Instance* caller : callers_) {
        const auto now = answers(*caller);
        EXPECT_TRUE(before[caller] == name ? now != name : now == before[caller])
            << before[caller] << " before, now " << now;
        EXPECT_FALSE(now.contains(',')) << now;
    }
}

INSTANTIATE_TEST_SUITE_P(Paths, Affinity, testing::ValuesIn(path_setups()), setup_name);
INSTANTIATE_TEST_SUITE_P(Paths, Endpoints, testing::ValuesIn(path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
