// SPDX-License-Identifier: Apache-2.0
// A call to a function without an instance is kept, an instance is started, the call goes on.
//
//   caller [node-a] ── vIP ── nobody yet; the activator script tells this test, which starts the
//                             instance where the placement says
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "test/conformance/scenario.h"

namespace directfaas::conformance {
namespace {

/// A script as an operator would write it: it leaves a line and returns. The test reads the lines.
class ActivatorScript {
   public:
    explicit ActivatorScript(const std::string& prefix)
        : script_(std::filesystem::temp_directory_path() / (prefix + "-activate")),
          calls_(script_.string() + ".calls") {
        std::ofstream(script_) << "#!/bin/sh\necho \"$1/$2\" >>'" << calls_.string() << "'\n";
        std::filesystem::permissions(script_, std::filesystem::perms::owner_all);
    }
    ActivatorScript(const ActivatorScript&) = delete;
    ActivatorScript& operator=(const ActivatorScript&) = delete;
    ~ActivatorScript() {
        std::error_code ignored;
        std::filesystem::remove(script_, ignored);
        std::filesystem::remove(calls_, ignored);
    }
    [[nodiscard]] std::string path() const { return script_.string(); }
    [[nodiscard]] std::vector<std::string> calls() const {
        std::vector<std::string> lines;
        std::ifstream file(calls_);
        for (std::string line; std::getline(file, line);) {
            lines.push_back(line);
        }
        return lines;
    }

   private:
    std::filesystem::path script_;
    std::filesystem::path calls_;
};

constexpr std::chrono::milliseconds kColdStart{150};

class Hold : public Scenario {
   protected:
    Hold()
        : Scenario({{.name = "caller"},
                    {.name = "callee", .ports = {PortSpec{}, kDns}, .scale_from_zero = "Direct"}},
                   {{"caller", "callee"}}) {
        agent_arguments({"--activator-exec", script_.path()});
        if (GetParam().placement == Placement::kTwoNodes) {
            // Whether an instance of another node listens is found out by asking it.
            expect_drops({"replay_reset"});
        }
    }
    void agent_arguments(const std::vector<std::string>& more) {
        auto& all = cluster_.agent(NodeId::kA).options().more;
        all.insert(all.end(), more.begin(), more.end());
    }
    [[nodiscard]] const Netns& from() const { return pod(caller_).netns(); }
    /// What the platform does when the script was called. Ready is not listening: TCP calls must
    /// succeed whichever comes first.
    enum class First : std::uint8_t { kReady, kListening };
    Instance& start_instance(First first = First::kReady,
                             std::chrono::milliseconds cold_start = kColdStart) {
        EXPECT_TRUE(wait_until([&] { return !script_.calls().empty(); }));
        Instance& instance = cluster_.add_instance("callee", cluster_.far(), false);
        if (first == First::kReady) {
            cluster_.sync();
        }
        std::this_thread::sleep_for(cold_start);  // the instance's own start, not ours
        instance.listen(cluster_.spec("callee"));
        cluster_.sync();
        return instance;
    }

    Instance& caller_ = cluster_.add_instance("caller", NodeId::kA);
    ActivatorScript script_{cluster_.topology().prefix()};
};

TEST_P(Hold, FirstCallWaitsForAnInstanceAndSucceeds) {
    cluster_.start();
    const auto begin = std::chrono::steady_clock::now();
    auto client = TcpClient::start(from(), cluster_.vip("callee"));
    ASSERT_TRUE(client) << client.error().text();
    Instance& instance = start_instance();
    const auto done = client->finish();
    ASSERT_TRUE(done) << done.error().text();
    const auto took = std::chrono::steady_clock::now() - begin;
    if (took < std::chrono::milliseconds(900)) {  // before the kernel would have sent it again
        EXPECT_EQ(client->retransmits(), 0U);
    }
    EXPECT_EQ(client->ask("x").value_or(""), pod(instance).name() + " x");
    EXPECT_EQ(script_.calls(), std::vector<std::string>{"shop/callee"});
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 1U);
    EXPECT_EQ(instance.tcp.at(8080)->lines(), 1U);
}

TEST_P(Hold, ManyFirstCallsAllSucceedAndActivateOnce) {
    cluster_.start();
    constexpr int kCalls = 50;
    std::vector<TcpClient> clients;
    for (int i = 0; i < kCalls; ++i) {
        auto client = TcpClient::start(from(), cluster_.vip("callee"));
        ASSERT_TRUE(client);
        clients.push_back(std::move(*client));
    }
    Instance& instance = start_instance();
    for (TcpClient& client : clients) {
        const auto done = client.finish();
        ASSERT_TRUE(done) << done.error().text();
        EXPECT_EQ(client.ask("x").value_or(""), pod(instance).name() + " x");
    }
    EXPECT_EQ(script_.calls().size(), 1U);
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, static_cast<std::uint64_t>(kCalls));
}

/// Whether a datagram port is served cannot be proven: here ready means listening.
TEST_P(Hold, DatagramsWaitAndArriveInOrder) {
    cluster_.start();
    auto client = UdpClient::connect(from(), cluster_.vip("callee", 1));
    ASSERT_TRUE(client);
    const std::vector<std::string> sent{"one", std::string(5, '5'), std::string(1400, 'k')};
    for (const std::string& text : sent) {
        ASSERT_TRUE(client->send(text));
    }
    Instance& instance = start_instance(First::kListening);
    std::vector<std::string> expected;
    std::vector<std::string> answers;
    for (const std::string& text : sent) {
        expected.push_back(pod(instance).name() + " " + text);
        answers.push_back(client->receive().value_or("nothing"));
    }
    if (GetParam().ovs() && !GetParam().userspace()) {
        // What ovs-vswitchd is asked about may be overtaken (docs/ovs.md).
        std::ranges::sort(expected);
        std::ranges::sort(answers);
    }
    EXPECT_EQ(answers, expected);
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 1U);
    EXPECT_EQ(instance.datagrams(), sent.size());
}

TEST_P(Hold, LastInstanceGoesAndTheNextCallWaitsAgain) {
    if (GetParam().ovs()) {
        // In userspace it takes longer until the last FIN has arrived: it may meet nobody.
        expect_drops({"endpoint_gone"});
    }
    cluster_.start();
    Instance& first = cluster_.add_instance("callee", cluster_.far());
    cluster_.sync();
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(first).name());
    EXPECT_TRUE(script_.calls().empty());
    // The call's last packets would meet nobody.
    EXPECT_TRUE(GetParam().ovs() ||
                wait_until([&] { return cluster_.edge("caller", "callee").open == 0; }));
    cluster_.remove_instance(first);
    cluster_.sync();
    auto client = TcpClient::start(from(), cluster_.vip("callee"));
    ASSERT_TRUE(client);
    Instance& second = start_instance();
    ASSERT_TRUE(client->finish());
    EXPECT_EQ(client->ask("x").value_or(""), pod(second).name() + " x");
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 2U);
}

TEST_P(Hold, DeadlineRefuses) {
    expect_drops({"hold_expired"});
    agent_arguments({"--hold-deadline", "300ms"});
    cluster_.start();
    auto client = TcpClient::start(from(), cluster_.vip("callee"));
    ASSERT_TRUE(client);
    const auto done = client->finish();
    ASSERT_FALSE(done);
    EXPECT_EQ(error_name(done.error().code), "ECONNREFUSED");
    EXPECT_GE(cluster_.reason("hold_expired"), 1U);
    EXPECT_EQ(call_udp(caller_, cluster_.vip("callee", 1)), udp_denied(cluster_.family()));
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 0U);
}

TEST_P(Hold, FullQueueRefusesTheNextAndKeepsTheOthers) {
    expect_drops({"hold_expired"});
    agent_arguments({"--hold-max-per-function", "2"});
    cluster_.start();
    auto first = TcpClient::start(from(), cluster_.vip("callee"));
    auto second = TcpClient::start(from(), cluster_.vip("callee"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), "ECONNREFUSED");
    EXPECT_TRUE(first->connecting());
    EXPECT_TRUE(second->connecting());
    Instance& instance = start_instance();
    EXPECT_TRUE(first->finish());
    EXPECT_TRUE(second->finish());
    EXPECT_EQ(first->ask("x").value_or(""), pod(instance).name() + " x");
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 2U);
}

TEST_P(Hold, DeniedCallIsNotHeld) {
    expect_drops({"no_edge"});
    cluster_.add_function({.name = "stranger"});
    Instance& stranger = cluster_.add_instance("stranger", NodeId::kA);
    cluster_.start();
    EXPECT_EQ(call(stranger, cluster_.vip("callee")), "ECONNREFUSED");
    EXPECT_TRUE(script_.calls().empty());
    EXPECT_EQ(cluster_.reason("held"), 0U);
}

/// The caller's kernel sends its SYN again, on its own, while the agent has the call: after 1 s and
/// after 3 s. Such a segment is a part of the held call, not a new one.
TEST_P(Hold, RetransmissionBetweenReadyAndListeningIsPartOfTheHeldCall) {
    cluster_.start();
    constexpr int kCalls = 4;
    std::vector<TcpClient> clients;
    for (int i = 0; i < kCalls; ++i) {
        auto client = TcpClient::start(from(), cluster_.vip("callee"));
        ASSERT_TRUE(client);
        clients.push_back(std::move(*client));
    }
    Instance& instance = start_instance(First::kReady, std::chrono::milliseconds(1300));
    for (TcpClient& client : clients) {
        const auto done = client.finish();
        EXPECT_TRUE(done) << done.error().text();
        EXPECT_EQ(client.ask("x").value_or(""), pod(instance).name() + " x");
    }
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, static_cast<std::uint64_t>(kCalls));
}

INSTANTIATE_TEST_SUITE_P(Paths, Hold, testing::ValuesIn(path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
