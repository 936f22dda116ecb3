// SPDX-License-Identifier: Apache-2.0
// Protocols and ports: UDP, Service port and target port, ICMP errors, path MTU.
//
//   caller [node-a] ══ callee [node-a or node-b], one instance
#include <sys/socket.h>

#include "test/conformance/scenario.h"
#include "test/support/wait.h"

namespace directfaas::conformance {
namespace {

const PortSpec kHttp{.name = "http", .port = 80, .target_port = 8080};
const PortSpec kAdmin{.name = "admin", .port = 81, .target_port = 9090};
class Transport : public Scenario {
   protected:
    Transport()
        : Scenario({{.name = "caller"},
                    {.name = "stranger"},
                    {.name = "callee", .ports = {kHttp, kAdmin, kDns}}},
                   {{"caller", "callee"}}) {}
    Instance& caller_ = cluster_.add_instance("caller", NodeId::kA);
    Instance& stranger_ = cluster_.add_instance("stranger", NodeId::kA);
    Instance& callee_ = cluster_.add_instance("callee", cluster_.far());
};

TEST_P(Transport, UdpIsAnsweredByVipAndByPodIp) {
    cluster_.start();
    for (const SocketAddress& to : {cluster_.vip("callee", 2), cluster_.direct(callee_, 2)}) {
        auto client = UdpClient::connect(pod(caller_).netns(), to);
        ASSERT_TRUE(client);
        for (const char* text : {"one", "two", "three"}) {
            EXPECT_EQ(client->ask(text).value_or(""), pod(callee_).name() + " " + text);
        }
    }
    EXPECT_EQ(callee_.datagrams(), 6U);
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 2U);  // flows, not datagrams
}

/// Nothing comes back, so nothing shows the switch that the flow is more than its first packet.
TEST_P(Transport, DatagramsWithoutAnAnswerAllArrive) {
    callee_.udp.clear();
    cluster_.start();
    const auto silent =
        bound_socket(pod(callee_).netns(), v4() ? AF_INET : AF_INET6, SOCK_DGRAM, kDns.target_port);
    auto client = UdpClient::connect(pod(caller_).netns(), cluster_.vip("callee", 2));
    ASSERT_TRUE(client);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(client->send("x"));
        char got = 0;
        EXPECT_TRUE(wait_until([&] { return ::recv(silent.get(), &got, 1, MSG_DONTWAIT) == 1; }))
            << "datagram " << i;
    }
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 1U);
}

TEST_P(Transport, DeniedUdpIsProhibited) {
    expect_drops({"no_edge"});
    cluster_.start();
    EXPECT_EQ(call_udp(stranger_, cluster_.vip("callee", 2)), udp_denied(cluster_.family()));
    EXPECT_EQ(call_udp(stranger_, cluster_.direct(callee_, 2)), udp_denied(cluster_.family()));
    EXPECT_EQ(callee_.datagrams(), 0U);
    EXPECT_EQ(cluster_.denied("stranger", "callee"), 2U);
}

TEST_P(Transport, UdpToWhatIsNoFunctionIsFreeAndAnswered) {
    const Pod& resolver = cluster_.add_outsider(cluster_.far());
    DatagramServer server(resolver.netns(), "resolver", 53);
    cluster_.start();
    const SocketAddress to{resolver.ip(cluster_.family()), 53};
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(call_udp(caller_, to), "resolver");
    }
    EXPECT_EQ(server.datagrams(), 20U);
}

TEST_P(Transport, TcpToWhatIsNoFunctionIsFree) {
    const Pod& database = cluster_.add_outsider(cluster_.far());
    LineServer server(database.netns(), "database", 5432);
    cluster_.start();
    EXPECT_EQ(call(caller_, {database.ip(cluster_.family()), 5432}), "database");
}

TEST_P(Transport, EachServicePortLeadsToItsOwnTargetPort) {
    cluster_.start();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(call(caller_, cluster_.vip("callee", 0)), pod(callee_).name());
        EXPECT_EQ(call(caller_, cluster_.vip("callee", 1)), pod(callee_).name());
        EXPECT_EQ(call(caller_, cluster_.vip("callee", 1)), pod(callee_).name());
    }
    EXPECT_EQ(callee_.tcp.at(8080)->accepted(), 5U);
    EXPECT_EQ(callee_.tcp.at(9090)->accepted(), 10U);
    EXPECT_EQ(callee_.tcp.at(8080)->peers().front().ip, pod(caller_).ip(cluster_.family()));
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 15U);
}

TEST_P(Transport, PortsThatAreNotDeclaredAreRefused) {
    expect_drops({"port_closed"});
    LineServer undeclared(pod(callee_).netns(), "undeclared", 7777);
    cluster_.start();
    SocketAddress vip = cluster_.vip("callee");
    SocketAddress direct = cluster_.direct(callee_);
    vip.port = direct.port = 7777;
    EXPECT_EQ(call(caller_, vip), "ECONNREFUSED");
    EXPECT_EQ(call(caller_, direct), "ECONNREFUSED");
    EXPECT_EQ(undeclared.accepted(), 0U);
}

/// The socket is connected to the vIP: it believes only an error about the vIP.
TEST_P(Transport, PortUnreachableComesBackAboutTheVip) {
    callee_.udp.clear();
    cluster_.start();
    EXPECT_EQ(call_udp(caller_, cluster_.vip("callee", 2)), "ECONNREFUSED");
    EXPECT_EQ(call_udp(caller_, cluster_.direct(callee_, 2)), "ECONNREFUSED");
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 2U);
}

TEST_P(Transport, ClosedPortOfAnInstanceResetsTheCaller) {
    callee_.tcp.clear();
    cluster_.start();
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), "ECONNREFUSED");
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, 1U);
}

TEST_P(Transport, LargeTransfersBothWays) {
    cluster_.start();
    auto client = TcpClient::connect(pod(caller_).netns(), cluster_.vip("callee"));
    ASSERT_TRUE(client) << client.error().text();
    const std::string big(2'000'000, 'b');
    EXPECT_EQ(client->ask(big).value_or(""), pod(callee_).name() + " " + big);
    const EdgeCount edge = cluster_.edge("caller", "callee");
    EXPECT_EQ(edge.opened, 1U);
    EXPECT_GE(edge.bytes_request, big.size());
    EXPECT_GE(edge.bytes_reply, big.size());
}

/// Nothing that is sent to a group is for another pod: no edge could say so.
TEST_P(Transport, WhatGoesToAGroupReachesNoOtherPod) {
    constexpr std::uint16_t kPort = 7777;
    const SocketAddress group{util::IpAddress::parse(v4() ? "239.1.2.3" : "ff05::1:3").value(),
                              kPort};
    cluster_.start();
    const util::UniqueFd listener = group_member(pod(callee_).netns(), group);
    for (const Instance* sender : {&caller_, &stranger_}) {
        auto client = UdpClient::connect(pod(*sender).netns(), group);
        ASSERT_TRUE(client) << client.error().text();
        ASSERT_TRUE(client->send("to all"));
    }
    // By then it would be there: it is behind it on the way.
    EXPECT_EQ(call_udp(caller_, cluster_.vip("callee", 2)), pod(callee_).name());
    char got = 0;
    EXPECT_EQ(::recv(listener.get(), &got, 1, MSG_DONTWAIT), -1);
}

INSTANTIATE_TEST_SUITE_P(Paths, Transport, testing::ValuesIn(all_setups()), setup_name);

class PathMtu : public Transport {};

class LowerMtu : public PathMtu {};

TEST_P(LowerMtu, IsFoundOutThroughTheVip) {
    cluster_.topology().set_path_mtu(1300);
    cluster_.start();
    auto client = TcpClient::connect(pod(caller_).netns(), cluster_.vip("callee"));
    ASSERT_TRUE(client) << client.error().text();
    const std::string big(1'000'000, 'b');
    EXPECT_EQ(client->ask(big).value_or(""), pod(callee_).name() + " " + big);
    const char* counter = v4() ? "FragFails" : "InTooBigErrors";
    EXPECT_GT(cluster_.topology().router().snmp(v4() ? "Ip" : "Ip6", counter), 0);
}

/// Fragments of one datagram follow its first part, both ways.
TEST_P(PathMtu, LargeDatagramsAreFragmentedAndAnswered) {
    cluster_.start();
    auto client = UdpClient::connect(pod(caller_).netns(), cluster_.vip("callee", 2));
    ASSERT_TRUE(client);
    if (GetParam().userspace()) {
        // Of a flow that is not open yet only the first fragment has a port (docs/ovs.md).
        ASSERT_EQ(client->ask("first").value_or(""), pod(callee_).name() + " first");
    }
    const std::string big(5000, 'b');
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client->ask(big).value_or(""), pod(callee_).name() + " " + big);
    }
}

/// The userspace datapath of Open vSwitch 3.1 translates "packet too big" wrongly (docs/ovs.md).
std::vector<Setup> lower_mtu_setups() {
    auto all = two_node_setups();
    std::erase_if(
        all, [](const Setup& setup) { return setup.userspace() && setup.family == Family::kV6; });
    return all;
}

INSTANTIATE_TEST_SUITE_P(Paths, LowerMtu, testing::ValuesIn(lower_mtu_setups()), setup_name);
INSTANTIATE_TEST_SUITE_P(Paths, PathMtu, testing::ValuesIn(two_node_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
