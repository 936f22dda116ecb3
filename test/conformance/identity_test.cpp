// SPDX-License-Identifier: Apache-2.0
// Identity follows the veth, whatever is reused: interface names, indexes, addresses, ports. And
// a caller that has just started is not refused because another node has not heard of it.
#include "test/conformance/scenario.h"

namespace directfaas::conformance {
namespace {

class Reuse : public Scenario {
   protected:
    Reuse() {
        for (const char* name : {"caller", "stranger", "callee"}) {
            cluster_.add_function({.name = name});
        }
        cluster_.add_edges("caller", {"callee"});
    }
    static PodOptions same_place(const Instance& old) {
        return {.addresses = old.pod->addresses(),
                .interface_name = old.pod->host_interface(),
                .ifindex = old.pod->host_ifindex()};
    }
};

TEST_P(Reuse, NextPodAtTheSameInterfaceIsItself) {
    expect_drops({"no_edge"});
    Instance& callee = cluster_.add_instance("callee", cluster_.far());
    Instance& caller = cluster_.add_instance("caller", NodeId::kA, true,
                                             {.interface_name = "reused", .ifindex = 4711});
    cluster_.start();
    constexpr std::uint16_t kPort = 45678;
    auto open =
        TcpClient::connect(pod(caller).netns(), cluster_.vip("callee"), {.source_port = kPort});
    ASSERT_TRUE(open) << open.error().text();
    ASSERT_TRUE(open->ask("x"));

    const PodOptions place = same_place(caller);
    cluster_.remove_instance(caller);
    Instance& stranger = cluster_.add_instance("stranger", NodeId::kA, true, place);
    cluster_.sync();
    ASSERT_EQ(pod(stranger).host_ifindex(), 4711U);
    // The very tuple of the connection that its predecessor had open.
    EXPECT_EQ(call(stranger, cluster_.vip("callee"), {.source_port = kPort}), "ECONNREFUSED");
    EXPECT_EQ(call(stranger, cluster_.direct(callee)), "ECONNREFUSED");

    cluster_.remove_instance(stranger);
    Instance& again = cluster_.add_instance("caller", NodeId::kA, true, place);
    cluster_.sync();
    EXPECT_EQ(call(again, cluster_.vip("callee")), pod(callee).name());
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 2U);
    EXPECT_EQ(cluster_.denied("stranger", "callee"), 2U);
}

TEST_P(Reuse, AddressOfACalleeGoesToAnotherFunction) {
    expect_drops({"no_edge"});
    Instance& caller = cluster_.add_instance("caller", NodeId::kA);
    Instance& callee = cluster_.add_instance("callee", cluster_.far());
    cluster_.start();
    EXPECT_EQ(call(caller, cluster_.direct(callee)), pod(callee).name());

    const PodOptions place = same_place(callee);
    cluster_.remove_instance(callee);
    Instance& stranger = cluster_.add_instance("stranger", cluster_.far(), true, place);
    cluster_.sync();
    EXPECT_EQ(call(caller, cluster_.direct(stranger)), "ECONNREFUSED");
    EXPECT_EQ(stranger.accepted(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Paths, Reuse, testing::ValuesIn(path_setups()), setup_name);

class NewCaller : public Scenario {};

/// The callee's node learns of the caller only after its first SYN was sent. Families alternate. On
/// Open vSwitch it is done less often: a port that comes and goes costs several programs.
TEST_P(NewCaller, CallsInItsFirstMillisecondAThousandTimesAndIsNeverRefused) {
    const int callers = GetParam().ovs() ? 50 : 1000;
    cluster_.add_function({.name = "caller"});
    cluster_.add_function({.name = "callee"});
    cluster_.add_edges("caller", {"callee"});
    Instance& callee = cluster_.add_instance("callee", NodeId::kB);
    cluster_.start();
    const DualAddress vip = cluster_.vip_addresses("callee");
    int refused = 0;
    for (int i = 0; i < callers && refused < 5; ++i) {
        Instance& caller = cluster_.add_instance("caller", NodeId::kA, false);
        cluster_.sync(NodeId::kA);
        auto client = TcpClient::start(pod(caller).netns(),
                                       {vip.of(i % 2 == 0 ? Family::kV4 : Family::kV6), 80});
        cluster_.publish(NodeId::kB);
        const auto done =
            client ? client->finish() : util::Result<void>(std::unexpected(client.error()));
        const auto answer =
            done ? client->ask("x") : util::Result<std::string>(std::unexpected(done.error()));
        refused += answer ? 0 : 1;
        EXPECT_TRUE(answer) << "caller " << i << ": " << answer.error().text();
        cluster_.remove_instance(caller);
    }
    EXPECT_EQ(refused, 0);
    EXPECT_EQ(callee.accepted(), static_cast<std::uint64_t>(callers));
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, static_cast<std::uint64_t>(callers));
    EXPECT_GT(cluster_.reason("held_source"), 0U);  // else nobody was unknown
}

INSTANTIATE_TEST_SUITE_P(Paths, NewCaller,
                         testing::Values(Setup{.placement = Placement::kTwoNodes, .attach = "auto"},
                                         Setup{.placement = Placement::kTwoNodes,
                                               .attach = ovs_datapath(),
                                               .backend = "ovs"}),
                         setup_name);

/// Nobody ever vouches for this source: held for a second at most, then refused.
class UnknownSource : public Scenario {};

TEST_P(UnknownSource, IsRefusedInTheEnd) {
    expect_drops({"unknown_source"});
    cluster_.add_function({.name = "callee"});
    Instance& callee = cluster_.add_instance("callee", NodeId::kB);
    const Pod& nobody = cluster_.add_outsider(NodeId::kA);
    cluster_.start();
    EXPECT_EQ(call(nobody, cluster_.direct(callee)), "ECONNREFUSED");
    EXPECT_EQ(callee.accepted(), 0U);
    EXPECT_GE(cluster_.reason("held_source"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Paths, UnknownSource, testing::ValuesIn(two_node_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
