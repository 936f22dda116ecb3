// SPDX-License-Identifier: Apache-2.0
// --uplink: who claims from outside the cluster to be one of ours gets nowhere.
#include <net/if.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "test/conformance/scenario.h"
#include "test/support/packet.h"

namespace directfaas::conformance {
namespace {

Mac mac_of(const Netns& netns, const std::string& device) {
    return netns.run([&] {
        const util::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        device.copy(request.ifr_name, IFNAMSIZ - 1);
        if (::ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0) {
            throw_errno("address of " + device);
        }
        Mac mac{};
        std::copy_n(request.ifr_hwaddr.sa_data, mac.size(), mac.begin());
        return mac;
    });
}

class Uplink : public Scenario {
   protected:
    Uplink()
        : Scenario({{.name = "reviews"}, {.name = "ratings", .ports = {PortSpec{}, kDns}}},
                   {{"reviews", "ratings"}}) {
        for (const NodeId node : cluster_.nodes()) {
            auto& more = cluster_.agent(node).options().more;
            more.insert(more.end(), {"--uplink", "uplink"});
        }
        cluster_.start();
    }
    /// Datagrams to ratings, from outside, under the address of somebody else.
    void forge(const util::IpAddress& source, int count) {
        const Netns& node = cluster_.topology().node(NodeId::kB);
        const FrameSender outside(cluster_.topology().router(), "node-2");
        const auto to = cluster_.direct(ratings_, 1);
        const Layer ip = v4() ? Layer{Ip4{.src = source, .dst = to.ip}}
                              : Layer{Ip6{.src = source, .dst = to.ip}};
        const auto frame =
            (Packet(Eth{.dst = mac_of(node, "uplink")}) / ip / Udp{.dport = to.port} / Raw{"x"})
                .bytes();
        for (int i = 0; i < count; ++i) {
            outside.send(frame);
        }
    }
    /// Packets dropped for it on the callee's node.
    [[nodiscard]] double dropped() {
        return cluster_.agent(NodeId::kB)
            .metrics()
            .sum("directfaas_packets_by_reason_total", {{"reason", "spoofed"}, {"hook", "uplink"}});
    }

    Instance& reviews_ = cluster_.add_instance("reviews", NodeId::kA);
    Instance& ratings_ = cluster_.add_instance("ratings", NodeId::kB);
    Instance& neighbour_ = cluster_.add_instance("reviews", NodeId::kB);  // of ratings
};

TEST_P(Uplink, ForgedSourcesEndThereAndTheOthersPass) {
    expect_drops({"spoofed"});
    EXPECT_EQ(call_udp(neighbour_, cluster_.vip("ratings", 1)), pod(ratings_).name());
    const auto before = ratings_.datagrams();
    forge(pod(neighbour_).ip(cluster_.family()), 20);
    forge(cluster_.vip("ratings").ip, 10);
    EXPECT_TRUE(wait_until([&] { return dropped() == 30; }));
    EXPECT_EQ(call_udp(reviews_, cluster_.vip("ratings", 1)), pod(ratings_).name());
    EXPECT_EQ(call(reviews_, cluster_.vip("ratings")), pod(ratings_).name());
    EXPECT_EQ(ratings_.datagrams(), before + 1);
    EXPECT_EQ(cluster_.agent(NodeId::kB).metrics().sum("directfaas_uplink_guarded"), 1);
}

TEST_P(Uplink, GuardStaysWhileNoAgentRuns) {
    expect_drops({"spoofed"});
    AgentProcess& agent = cluster_.agent(NodeId::kB);
    agent.kill();
    forge(pod(neighbour_).ip(cluster_.family()), 20);
    EXPECT_EQ(call_udp(reviews_, cluster_.vip("ratings", 1)), pod(ratings_).name());
    EXPECT_EQ(ratings_.datagrams(), 1U);
    agent.start();
    EXPECT_TRUE(wait_until([&] { return dropped() == 20; }));
}

std::vector<Setup> guarded_setups() {
    auto all = two_node_setups();
    std::erase_if(all, [](const Setup& setup) { return setup.ovs(); });
    return all;
}
INSTANTIATE_TEST_SUITE_P(Paths, Uplink, testing::ValuesIn(guarded_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
