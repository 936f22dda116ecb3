// SPDX-License-Identifier: Apache-2.0
// Tables that are full, pods that flood, ports that collide: named, bounded, nobody else's harm.
//
//   caller, flooder [node-a] ══ callee [node-a or node-b]
#include "test/conformance/scenario.h"
#include "test/support/packet.h"

namespace directfaas::conformance {
namespace {

class Limits : public Scenario {
   protected:
    Limits()
        : Scenario({{.name = "caller"},
                    {.name = "flooder"},
                    {.name = "callee",  // two vIP ports with one instance port behind them
                     .ports = {{.name = "a", .port = 80, .target_port = 8080},
                               {.name = "b", .port = 81, .target_port = 8080}}}},
                   {{"caller", "callee"}, {"flooder", "callee"}}) {}
    void agent_arguments(const std::vector<std::string>& more) {
        for (const NodeId node : cluster_.nodes()) {
            auto& all = cluster_.agent(node).options().more;
            all.insert(all.end(), more.begin(), more.end());
        }
    }
    Instance& caller_ = cluster_.add_instance("caller", NodeId::kA);
    Instance& flooder_ = cluster_.add_instance("flooder", NodeId::kA);
    Instance& callee_ = cluster_.add_instance("callee", cluster_.far());
};

TEST_P(Limits, FullTableRefusesNewConnectionsAndKeepsOpenOnes) {
    expect_drops({"ct_full"});
    agent_arguments({"--max-connections", "1024"});
    cluster_.start();
    std::vector<TcpClient> open;
    while (cluster_.reason("ct_full") == 0 && open.size() < 1024) {
        auto client = TcpClient::start(pod(caller_).netns(), cluster_.vip("callee"));
        ASSERT_TRUE(client);
        const bool answered =
            wait_until([&] { return !client->connecting() || cluster_.reason("ct_full") > 0; });
        ASSERT_TRUE(answered);
        if (!client->connecting()) {
            open.push_back(std::move(*client));
        }
    }
    EXPECT_GE(open.size(), 100U);
    EXPECT_GT(cluster_.reason("ct_full"), 0U);
    for (TcpClient& client : open) {
        EXPECT_EQ(client.ask("x").value_or(""), pod(callee_).name() + " x");
    }
    EXPECT_EQ(callee_.accepted(), open.size());
}

/// Calls are counted out, not as many as there is time for: a pod's closed connections are in its
/// own budget for a while, too.
TEST_P(Limits, FloodOfOnePodDoesNotHurtAnother) {
    expect_drops({"ct_budget", "ct_full", "stale_flow"});
    agent_arguments({"--max-connections", "4096", "--budget-live", "500"});
    cluster_.start();
    const Mac gateway{0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
    const SocketAddress vip = cluster_.vip("callee");
    const SocketAddress own = cluster_.direct(flooder_);
    const Layer ip =
        v4() ? Layer{Ip4{.src = own.ip, .dst = vip.ip}} : Layer{Ip6{.src = own.ip, .dst = vip.ip}};
    const FrameSender sender(pod(flooder_).netns());
    Load load(pod(caller_).netns(), vip, {.mode = LoadMode::kKeptConnections});
    for (std::uint16_t i = 0; i < 5000; ++i) {
        const auto port = static_cast<std::uint16_t>(10000 + i);
        sender.send((Eth{.dst = gateway} / ip / Tcp{.sport = port, .dport = vip.port}).bytes());
    }
    // In eBPF what the callee accepts has the same limit: a call may have to come again until the
    // flood's connections are found to be over.
    constexpr int kCalls = 100;
    for (int i = 0; i < kCalls; ++i) {
        EXPECT_EQ(call(caller_, vip, {.timeout = std::chrono::seconds(60)}), pod(callee_).name());
    }
    EXPECT_TRUE(wait_until([&] { return cluster_.reason("ct_budget") > 0; }));
    ASSERT_TRUE(load.wait_for(100));
    const LoadReport report = load.stop();
    expect_no_failure(report);
    EXPECT_EQ(cluster_.reason("ct_full"), 0U);
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, report.connections + kCalls);
}

TEST_P(Limits, OneSourcePortToTwoVipsWithACommonInstance) {
    cluster_.start();
    constexpr std::uint16_t kPort = 45678;
    const Netns& from = pod(caller_).netns();
    auto one = TcpClient::connect(from, cluster_.vip("callee", 0), {.source_port = kPort});
    auto two = TcpClient::connect(from, cluster_.vip("callee", 1), {.source_port = kPort});
    ASSERT_TRUE(one) << one.error().text();
    ASSERT_TRUE(two) << two.error().text();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(one->ask("first").value_or(""), pod(callee_).name() + " first");
        EXPECT_EQ(two->ask("second").value_or(""), pod(callee_).name() + " second");
    }
    EXPECT_EQ(callee_.accepted(), 2U);
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 2U);
}

TEST_P(Limits, PortIsReusedForTheNextConnection) {
    cluster_.start();
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(call(caller_, cluster_.vip("callee"), {.source_port = 45678}),
                  pod(callee_).name());
    }
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 10U);
}

INSTANTIATE_TEST_SUITE_P(Paths, Limits, testing::ValuesIn(path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
