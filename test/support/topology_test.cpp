// SPDX-License-Identifier: Apache-2.0
// Control cases: the simulated network works without any switch, so that what conformance tests
// find is the switch's doing.
#include "test/support/topology.h"

#include <gtest/gtest.h>

#include "test/support/load.h"
#include "test/support/packet.h"
#include "test/support/servers.h"

namespace directfaas::support {
namespace {

struct Path {
    Family family;
    NodeId callee_node;
};
void PrintTo(const Path& path, std::ostream* out) {
    *out << (path.family == Family::kV4 ? "v4" : "v6")
         << (path.callee_node == NodeId::kA ? "_same_node" : "_two_nodes");
}

class PlainForwarding : public testing::TestWithParam<Path> {
   protected:
    Topology topology_;
    Pod& caller_ = topology_.add_pod(NodeId::kA, "caller");
    Pod& callee_ = topology_.add_pod(GetParam().callee_node, "callee");

    [[nodiscard]] SocketAddress callee_port(std::uint16_t port) const {
        return {callee_.ip(GetParam().family), port};
    }
};

TEST_P(PlainForwarding, TcpReachesThePodAndBack) {
    LineServer server(callee_.netns(), "s", 80);
    auto client = TcpClient::connect(caller_.netns(), callee_port(80));
    ASSERT_TRUE(client) << client.error().text();
    EXPECT_EQ(client->ask("hello").value(), "s hello");
    EXPECT_EQ(server.accepted(), 1U);
    EXPECT_EQ(server.peers().front().ip, caller_.ip(GetParam().family));
}

TEST_P(PlainForwarding, ClosedPortRefuses) {
    const auto client = TcpClient::connect(caller_.netns(), callee_port(81));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ECONNREFUSED);
    auto udp = UdpClient::connect(caller_.netns(), callee_port(81));
    EXPECT_EQ(udp->ask("x").error().code, ECONNREFUSED);
}

TEST_P(PlainForwarding, UdpAndHttpWork) {
    DatagramServer datagrams(callee_.netns(), "d", 53);
    HttpServer http(callee_.netns(), "h", 8080);
    auto udp = UdpClient::connect(caller_.netns(), callee_port(53));
    EXPECT_EQ(udp->ask("x").value(), "d x");
    EXPECT_EQ(http_get(caller_.netns(), callee_port(8080)).value(), "h");
    EXPECT_EQ(datagrams.datagrams(), 1U);
    EXPECT_EQ(http.requests(), 1U);
}

TEST_P(PlainForwarding, VipLeadsNowhere) {
    const DualAddress vip = Topology::vip(0);
    const auto client = TcpClient::connect(caller_.netns(), {vip.of(GetParam().family), 80});
    ASSERT_FALSE(client);
    EXPECT_TRUE(client.error().code == EHOSTUNREACH || client.error().code == ENETUNREACH)
        << client.error().text();
}

TEST_P(PlainForwarding, UnansweredConnectSendsAgainAndCountsIt) {
    auto client = TcpClient::start(caller_.netns(), callee_port(80));
    ASSERT_TRUE(client);
    callee_.netns().ip({"link set eth0 down"});
    auto silent = TcpClient::start(caller_.netns(), callee_port(80));
    ASSERT_TRUE(silent);
    EXPECT_TRUE(wait_until([&] { return silent->retransmits() > 0; }));
    EXPECT_TRUE(silent->connecting());
}

TEST_P(PlainForwarding, LoadIsCountedToTheUnit) {
    LineServer server(callee_.netns(), "s", 80);
    Load fresh(caller_.netns(), callee_port(80), {.mode = LoadMode::kNewConnections});
    Load kept(caller_.netns(), callee_port(80), {.mode = LoadMode::kKeptConnections});
    ASSERT_TRUE(fresh.wait_for(50));
    const LoadReport one = fresh.stop();
    const LoadReport two = kept.stop();
    EXPECT_EQ(one.failed + two.failed, 0U) << testing::PrintToString(one.failures);
    EXPECT_EQ(two.connections, 2U);
    EXPECT_EQ(server.accepted(), one.connections + two.connections);
    EXPECT_EQ(server.lines(), one.answered + two.answered);
}

TEST_P(PlainForwarding, FailedRequestsAreNoticed) {
    Load load(caller_.netns(), callee_port(80), {.mode = LoadMode::kNewConnections});
    ASSERT_TRUE(load.wait_for(10));
    const LoadReport report = load.stop();
    EXPECT_EQ(report.answered, 0U);
    EXPECT_GE(report.failed, 10U);
}

TEST_P(PlainForwarding, SpoofedDatagramsArriveWithoutASwitch) {
    DatagramServer server(callee_.netns(), "d", 53);
    const bool v4 = GetParam().family == Family::kV4;
    const FrameSender sender(caller_.netns());
    const Layer ip = v4 ? Layer{Ip4{.src = "10.201.9.9", .dst = callee_.ip(Family::kV4)}}
                        : Layer{Ip6{.src = "fd00:201::99", .dst = callee_.ip(Family::kV6)}};
    const Mac gateway{0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
    sender.send((Eth{.dst = gateway} / ip / Udp{.dport = 53} / Raw{"x"}).bytes());
    EXPECT_TRUE(wait_until([&] { return server.datagrams() == 1; }));
}

TEST_P(PlainForwarding, LowPathMtuIsFoundOut) {
    if (GetParam().callee_node == NodeId::kB) {
        topology_.set_path_mtu(1300);
    }
    LineServer server(callee_.netns(), "s", 80);
    auto client = TcpClient::connect(caller_.netns(), callee_port(80));
    ASSERT_TRUE(client);
    const std::string big(500'000, 'b');
    EXPECT_EQ(client->ask(big).value(), "s " + big);
    const std::string group = GetParam().family == Family::kV4 ? "Ip" : "Ip6";
    const bool limited = GetParam().callee_node == NodeId::kB;
    const char* counter = GetParam().family == Family::kV4 ? "FragFails" : "InTooBigErrors";
    EXPECT_EQ(topology_.router().snmp(group, counter) > 0, limited);
}

INSTANTIATE_TEST_SUITE_P(Paths, PlainForwarding,
                         testing::Values(Path{Family::kV4, NodeId::kA},
                                         Path{Family::kV4, NodeId::kB},
                                         Path{Family::kV6, NodeId::kA},
                                         Path{Family::kV6, NodeId::kB}),
                         testing::PrintToStringParamName());

TEST(Topology, PodLeavesNothingBehind) {
    Topology topology;
    Pod& pod = topology.add_pod(NodeId::kA, "pod", {.interface_name = "again", .ifindex = 777});
    EXPECT_EQ(pod.host_ifindex(), 777U);
    topology.remove_pod(pod);
    const Pod& next =
        topology.add_pod(NodeId::kA, "next", {.interface_name = "again", .ifindex = 777});
    EXPECT_EQ(next.host_ifindex(), 777U);
    EXPECT_EQ(next.host_interface(), "again");
}

}  // namespace
}  // namespace directfaas::support
