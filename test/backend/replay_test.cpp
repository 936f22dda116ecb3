// SPDX-License-Identifier: Apache-2.0
// Held packets, caught by the real programs, sent again by the backend:
//
//   [caller] eth0 ──veth── [node-a: the switch] ──veth── eth0 [callee]
//                              └── router ── [node-b] ──veth── eth0 [stranger]
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include "agent/backend/ebpf/encode.h"
#include "test/backend/fixture.h"
#include "test/support/servers.h"
#include "test/support/socket.h"
#include "test/support/topology.h"
#include "test/support/wait.h"

namespace directfaas::backend::ebpf {
namespace {

using support::Family;
using support::NodeId;
using support::SocketAddress;

class ReplayTest : public ::testing::TestWithParam<Family> {
   protected:
    ReplayTest()
        : caller_(topology_.add_pod(NodeId::kA, "caller")),
          callee_(topology_.add_pod(NodeId::kA, "callee")),
          stranger_(topology_.add_pod(NodeId::kB, "stranger")) {
        options_.instance = topology_.prefix();
        on_node([this] {
            auto created = create(options_);
            if (!created) {
                throw support::SupportError(created.error().text());
            }
            backend_ = std::move(*created);
            Settings settings;
            for (const auto& network : support::Topology::pod_networks()) {
                settings.pod_networks.push_back(util::IpPrefix::parse(network).value());
            }
            ASSERT_TRUE(backend_->configure(settings));
        });
        install();
    }
    ~ReplayTest() override {
        on_node([this] {
            backend_.reset();
            EXPECT_TRUE(remove_instance(options_));
        });
    }

    template <typename Body>
    void on_node(Body body) {
        topology_.node(NodeId::kA).run(body);
    }

    /// Caller and callee attached, an edge between them, no instance, hold.
    void install() {
        rules_.identities[function("caller")] = {};
        rules_.identities[function("callee")] = {
            model::Enforcement::kEnforce,
            false,
            {{8080, util::Protocol::kTcp}, {8080, util::Protocol::kUdp}},
            {}};
        rules_.allowed.insert({function("caller"), function("callee")});
        for (const auto* pod : {&caller_, &callee_}) {
            std::vector<util::IpAddress> addresses{pod->ip(Family::kV4), pod->ip(Family::kV6)};
            std::ranges::sort(addresses);
            for (const auto& address : addresses) {
                rules_.addresses[address] = function(pod->name());
            }
            rules_.attachments[{"shop", pod->name()}] = {function(pod->name()), pod->host_ifindex(),
                                                         addresses, false};
        }
        for (const auto protocol : {util::Protocol::kTcp, util::Protocol::kUdp}) {
            rules_.routes[{vip(), 80, protocol}] = {
                function("callee"), {}, model::WhenEmpty::kHold};
        }
        apply();
    }
    void apply() {
        on_node([this] {
            const auto applied = backend_->apply(model::plan(applied_, rules_));
            ASSERT_TRUE(applied) << applied.error().text();
            applied_ = rules_;
        });
    }
    void instance_is_ready() {
        for (auto& [key, route] : rules_.routes) {
            route.endpoints = {{callee_.ip(GetParam()), 8080, model::EndpointState::kReady,
                                callee_.host_ifindex()}};
        }
        apply();
    }
    void replay(const HeldPacket& packet, ReplayAction action) {
        on_node([&] {
            const auto sent = backend_->replay(packet, action);
            EXPECT_TRUE(sent) << sent.error().text();
        });
    }

    static util::IpAddress vip() { return support::Topology::vip(1).of(GetParam()); }
    [[nodiscard]] SocketAddress service() const { return {vip(), 80}; }
    [[nodiscard]] SocketAddress instance() const { return {callee_.ip(GetParam()), 8080}; }

    /// The next held packet, by the descriptor that the agent waits on.
    HeldPacket next_held() {
        std::optional<HeldPacket> held;
        EventSink sink;
        sink.held = [&held](HeldPacket packet) { held = std::move(packet); };
        EXPECT_TRUE(support::wait_until([&] {
            pollfd ready{backend_->event_fd(), POLLIN, 0};
            if (poll(&ready, 1, 10) == 1) {
                backend_->drain(sink);
            }
            return held.has_value();
        }));
        return held.value_or(HeldPacket{});
    }
    /// Whether an entry was opened by a packet of the agent and not by the client's own retransmit.
    bool opened_by_replay() {
        bool found = false;
        const auto tables = Tables::open(Pins::describe(options_.bpffs, options_.instance));
        EXPECT_TRUE(tables->ct.for_each([&](const df_ct_key&, const df_ct& entry) {
            found |= entry.role == DF_CT_CALL && (entry.flags & DF_CT_REPLAYED) != 0;
        }));
        return found;
    }

    support::Topology topology_;
    support::Pod& caller_;
    support::Pod& callee_;
    support::Pod& stranger_;
    Options options_;
    std::unique_ptr<Backend> backend_;
    model::RuleSet rules_;
    model::RuleSet applied_;
};

INSTANTIATE_TEST_SUITE_P(Family, ReplayTest, ::testing::Values(Family::kV4, Family::kV6),
                         [](const auto& family) {
                             return family.param == Family::kV4 ? "v4" : "v6";
                         });

TEST_P(ReplayTest, AHeldSynOpensTheConnection) {
    auto client = support::TcpClient::start(caller_.netns(), service());
    ASSERT_TRUE(client) << client.error().text();
    const auto held = next_held();
    EXPECT_EQ(held.kind, HeldPacket::Kind::kNoInstance);
    EXPECT_EQ(held.from, function("caller"));
    EXPECT_EQ(held.to, function("callee"));
    EXPECT_EQ(held.ifindex, caller_.host_ifindex());
    EXPECT_EQ(held.flow,
              (FlowTuple{caller_.ip(GetParam()), vip(), client->local_port(), 80, IPPROTO_TCP}));
    const support::LineServer server(callee_.netns(), "callee", 8080);
    instance_is_ready();
    replay(held, ReplayAction::kJudge);
    const auto connected = client->finish();
    ASSERT_TRUE(connected) << connected.error().text();
    EXPECT_TRUE(opened_by_replay());
    EXPECT_EQ(client->ask("hello").value_or("nothing"), "callee hello");
}

/// Nobody sends a datagram twice: what arrives is the replayed one.
TEST_P(ReplayTest, AHeldDatagramArrives) {
    auto client = support::UdpClient::connect(caller_.netns(), service());
    ASSERT_TRUE(client) << client.error().text();
    const support::DatagramServer server(callee_.netns(), "callee", 8080);
    for (const std::size_t size : {std::size_t{1}, std::size_t{5}, std::size_t{1300}}) {
        ASSERT_TRUE(client->send(std::string(size, 'x')));
        const auto held = next_held();
        EXPECT_EQ(held.flow.protocol, IPPROTO_UDP);
        instance_is_ready();
        replay(held, ReplayAction::kJudge);
        EXPECT_EQ(client->receive().value_or("nothing"), "callee " + std::string(size, 'x'));
        for (auto& [key, route] : rules_.routes) {
            route.endpoints.clear();
        }
        apply();
    }
}

TEST_P(ReplayTest, AHeldSynIsRefused) {
    auto client = support::TcpClient::start(caller_.netns(), service());
    ASSERT_TRUE(client) << client.error().text();
    replay(next_held(), ReplayAction::kRefuse);
    const auto connected = client->finish();
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().code, ECONNREFUSED);
}

TEST_P(ReplayTest, AHeldDatagramIsRefused) {
    auto client = support::UdpClient::connect(caller_.netns(), service());
    ASSERT_TRUE(client) << client.error().text();
    ASSERT_TRUE(client->send("hello"));
    replay(next_held(), ReplayAction::kRefuse);
    const auto answer = client->receive();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, GetParam() == Family::kV4 ? EHOSTUNREACH : EACCES);
}

TEST_P(ReplayTest, ACallerThatBecomesKnownIsLetIn) {
    const support::LineServer server(callee_.netns(), "callee", 8080);
    auto client = support::TcpClient::start(stranger_.netns(), instance());
    ASSERT_TRUE(client) << client.error().text();
    const auto held = next_held();
    EXPECT_EQ(held.kind, HeldPacket::Kind::kUnknownSource);
    EXPECT_EQ(held.flow, (FlowTuple{stranger_.ip(GetParam()), callee_.ip(GetParam()),
                                    client->local_port(), 8080, IPPROTO_TCP}));
    EXPECT_EQ(held.ifindex, callee_.host_ifindex());
    rules_.addresses[stranger_.ip(GetParam())] = function("caller");
    apply();
    replay(held, ReplayAction::kJudge);
    const auto connected = client->finish();
    ASSERT_TRUE(connected) << connected.error().text();
    EXPECT_EQ(client->ask("hello").value_or("nothing"), "callee hello");
}

TEST_P(ReplayTest, ACallerThatStaysUnknownIsRefused) {
    const support::LineServer server(callee_.netns(), "callee", 8080);
    auto client = support::TcpClient::start(stranger_.netns(), instance());
    ASSERT_TRUE(client) << client.error().text();
    replay(next_held(), ReplayAction::kRefuse);
    const auto connected = client->finish();
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().code, ECONNREFUSED);
}

TEST_P(ReplayTest, APacketOfADetachedInterfaceCannotBeSent) {
    auto client = support::TcpClient::start(caller_.netns(), service());
    ASSERT_TRUE(client) << client.error().text();
    const auto held = next_held();
    rules_.attachments.erase({"shop", "caller"});
    apply();
    on_node([&] {
        const auto sent = backend_->replay(held, ReplayAction::kJudge);
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().code, ENODEV);
    });
}

/// What nobody has read yet is there for the next process, and its own veth pair still works.
TEST_P(ReplayTest, AHeldPacketOutlivesTheProcess) {
    auto client = support::UdpClient::connect(caller_.netns(), service());
    ASSERT_TRUE(client) << client.error().text();
    ASSERT_TRUE(client->send("hello"));
    on_node([this] {
        backend_.reset();
        auto created = create(options_);
        ASSERT_TRUE(created) << created.error().text();
        backend_ = std::move(*created);
    });
    const support::DatagramServer server(callee_.netns(), "callee", 8080);
    const auto held = next_held();
    instance_is_ready();
    replay(held, ReplayAction::kJudge);
    EXPECT_EQ(client->receive().value_or("nothing"), "callee hello");
}

/// The other ring: decisions come out with names.
TEST_P(ReplayTest, DecisionsAreReported) {
    const auto refused = support::TcpClient::connect(callee_.netns(), {caller_.ip(GetParam()), 7});
    EXPECT_FALSE(refused);
    std::vector<FlowEvent> events;
    EventSink sink;
    sink.flow = [&events](const FlowEvent& event) { events.push_back(event); };
    ASSERT_TRUE(support::wait_until([&] {
        backend_->drain(sink);
        return !events.empty();
    }));
    EXPECT_EQ(events.front().from, function("callee"));
    EXPECT_EQ(events.front().to, function("caller"));
    EXPECT_EQ(events.front().reason, DF_REASON_NO_EDGE);
    EXPECT_EQ(events.front().hook, DF_HOOK_FROM_POD);
    EXPECT_EQ(events.front().flow.destination_port, 7);
}

}  // namespace
}  // namespace directfaas::backend::ebpf
