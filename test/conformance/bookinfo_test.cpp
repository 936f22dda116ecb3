// SPDX-License-Identifier: Apache-2.0
// The paper's Table 1: which function of Bookinfo reaches which, by vIP and by pod IP.
//
//   productpage → details, reviews → ratings      productpage and ratings on node-a, the others
//                                                 where the placement says
#include "test/conformance/scenario.h"
#include "test/support/packet.h"

namespace directfaas::conformance {
namespace {

constexpr int kCallsEach = 10;

class Bookinfo : public Scenario {
   protected:
    struct Function {
        Instance* instance = nullptr;
        std::unique_ptr<HttpServer> http{};
    };

    Bookinfo() {
        cluster_.add_function({.name = "productpage", .ingress = true});
        for (const char* name : {"details", "reviews", "ratings"}) {
            cluster_.add_function({.name = name});
        }
        cluster_.add_edges("productpage", {"details", "reviews"});
        cluster_.add_edges("reviews", {"ratings"});
        place("productpage", NodeId::kA);
        place("ratings", NodeId::kA);
        place("details", cluster_.far());
        place("reviews", cluster_.far());
    }

    void place(const std::string& name, NodeId node) {
        Instance& instance = cluster_.add_instance(name, node, false);
        functions_[name] = {&instance,
                            std::make_unique<HttpServer>(pod(instance).netns(), name, 8080)};
    }

    [[nodiscard]] bool allowed(const std::string& from, const std::string& to) {
        return cluster_.chain().edges.contains({from, to});
    }
    [[nodiscard]] const Netns& netns(const std::string& function) {
        return pod(*functions_.at(function).instance).netns();
    }
    /// "ok", or what connecting or the request ended with.
    std::string get(const std::string& from, const SocketAddress& to, const std::string& name) {
        const auto probe = TcpClient::connect(netns(from), to);
        if (!probe) {
            return error_name(probe.error().code);
        }
        const auto body = http_get(netns(from), to);
        return body ? (*body == name ? "ok" : *body) : body.error().text();
    }
    /// Calls each other function by `address_of(callee)` and compares with the table.
    template <typename AddressOf>
    void expect_table(AddressOf address_of, const std::string& refusal) {
        for (const auto& [from, caller] : functions_) {
            for (const auto& [to, callee] : functions_) {
                for (int i = 0; from != to && i < kCallsEach; ++i) {
                    EXPECT_EQ(get(from, address_of(to), to), allowed(from, to) ? "ok" : refusal)
                        << from << " -> " << to;
                }
            }
        }
    }
    void expect_counted(std::uint64_t rounds) {
        for (const auto& [from, caller] : functions_) {
            for (const auto& [to, callee] : functions_) {
                if (from == to) {
                    continue;
                }
                // An allowed call is two connections: the probe and the request.
                EXPECT_EQ(cluster_.edge(from, to).opened,
                          allowed(from, to) ? rounds * kCallsEach * 2 : 0)
                    << from << " -> " << to;
                EXPECT_EQ(cluster_.denied(from, to), allowed(from, to) ? 0 : rounds * kCallsEach)
                    << from << " -> " << to;
            }
        }
        EXPECT_EQ(functions_["details"].http->requests(), rounds * kCallsEach);
        EXPECT_EQ(functions_["reviews"].http->requests(), rounds * kCallsEach);
        EXPECT_EQ(functions_["ratings"].http->requests(), rounds * kCallsEach);
        EXPECT_EQ(functions_["productpage"].http->requests(), 0U);
    }
    [[nodiscard]] SocketAddress direct(const std::string& name) {
        return cluster_.direct(*functions_.at(name).instance);
    }

    std::map<std::string, Function> functions_;
};

TEST_P(Bookinfo, OnlyEdgesWorkByVipAndByPodIp) {
    expect_drops({"no_edge"});
    cluster_.start();
    expect_table([&](const std::string& to) { return cluster_.vip(to); }, "ECONNREFUSED");
    expect_counted(1);
    if (GetParam().userspace()) {
        // What docs/ovs.md says of one source port to a vIP and to its instance would be met by
        // chance, now and then.
        for (const auto& [name, function] : functions_) {
            netns(name).sysctl({{"ipv4/ip_local_port_range", "20000 30000"}});
        }
    }
    expect_table([&](const std::string& to) { return direct(to); }, "ECONNREFUSED");
    expect_counted(2);
}

/// Proves that the test above can fail: every listener accepts when nothing stands between.
TEST_P(Bookinfo, WithoutSwitchEveryPairWorksByPodIp) {
    for (const auto& [from, caller] : functions_) {
        for (const auto& [to, callee] : functions_) {
            if (from != to) {
                EXPECT_EQ(get(from, direct(to), to), "ok") << from << " -> " << to;
            }
        }
    }
}

TEST_P(Bookinfo, DenyDropIsSilent) {
    expect_drops({"no_edge"});
    for (const NodeId node : cluster_.nodes()) {
        cluster_.agent(node).options().deny = "drop";
    }
    cluster_.start();
    for (const SocketAddress& to : {cluster_.vip("ratings"), direct("ratings")}) {
        const auto before = cluster_.reason("no_edge");
        auto client = TcpClient::start(netns("productpage"), to);
        ASSERT_TRUE(client);
        ASSERT_TRUE(wait_until([&] { return cluster_.reason("no_edge") > before; }));
        EXPECT_TRUE(client->connecting()) << to.text();
    }
    EXPECT_EQ(get("reviews", cluster_.vip("ratings"), "ratings"), "ok");
    EXPECT_EQ(functions_["ratings"].http->requests(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Paths, Bookinfo, testing::ValuesIn(all_setups()), setup_name);

class Spoofing : public Scenario {
   protected:
    Spoofing()
        : Scenario({{.name = "reviews"},
                    {.name = "stranger"},
                    {.name = "ratings", .ports = {PortSpec{}, kDns}}},
                   {{"reviews", "ratings"}}) {}
    [[nodiscard]] Layer ip(const SocketAddress& from, const SocketAddress& to) const {
        return v4() ? Layer{Ip4{.src = from.ip, .dst = to.ip}}
                    : Layer{Ip6{.src = from.ip, .dst = to.ip}};
    }
};

TEST_P(Spoofing, AnotherPodsAddressGetsNothing) {
    constexpr int kFrames = 25;
    expect_drops({"spoofed"});
    Instance& reviews = cluster_.add_instance("reviews", NodeId::kA);
    Instance& stranger = cluster_.add_instance("stranger", NodeId::kA);
    Instance& ratings = cluster_.add_instance("ratings", cluster_.far());
    cluster_.start();
    const Mac gateway{0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
    const SocketAddress source = cluster_.direct(reviews);
    const auto segments = pod(ratings).netns().snmp("Tcp", "InSegs");

    const FrameSender sender(pod(stranger).netns());
    for (int i = 0; i < kFrames; ++i) {
        for (const SocketAddress& to : {cluster_.vip("ratings"), cluster_.direct(ratings)}) {
            sender.send((Eth{.dst = gateway} / ip(source, to) / Tcp{.dport = to.port}).bytes());
        }
        for (const SocketAddress& to : {cluster_.vip("ratings", 1), cluster_.direct(ratings, 1)}) {
            sender.send((Eth{.dst = gateway} / ip(source, to) / Udp{.dport = to.port}).bytes());
        }
    }

    EXPECT_TRUE(wait_until([&] { return cluster_.reason("spoofed") == 4 * kFrames; }));
    EXPECT_EQ(pod(ratings).netns().snmp("Tcp", "InSegs"), segments);
    EXPECT_EQ(ratings.datagrams(), 0U);
    EXPECT_EQ(cluster_.edge("reviews", "ratings").opened, 0U);
    EXPECT_EQ(call_udp(reviews, cluster_.vip("ratings", 1)), pod(ratings).name());
}

INSTANTIATE_TEST_SUITE_P(Paths, Spoofing, testing::ValuesIn(path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
