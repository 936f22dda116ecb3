// SPDX-License-Identifier: Apache-2.0
// A call that the agent sends on to an instance that does not listen yet.
#include <gmock/gmock.h>

#include "test/ovs/sides.h"
#include "test/support/wait.h"

namespace directfaas::backend {
namespace {

namespace flag = support::tcp_flag;

class KeptCall : public testing::Test {
   protected:
    void SetUp() override {
        const auto address = RandomNode::pod_address(0, true);
        rules_.identities = {{caller_, {}}, {callee_, {}}};
        rules_.attachments[{"shop", "caller-1"}] = {
            caller_, ovs_.interfaces().front(), {address}, false};
        rules_.addresses[address] = caller_;
        rules_.routes[vip_] = {callee_, {}, model::WhenEmpty::kHold};
        rules_.allowed = {{caller_, callee_}};
        ovs_.make_all(rules_, {});
    }
    [[nodiscard]] Sent from_caller() const {
        return {.from = 0,
                .source = RandomNode::pod_address(0, true),
                .destination = vip_.vip,
                .source_port = 20000,
                .destination_port = vip_.port};
    }
    [[nodiscard]] Sent from_instance(std::uint8_t flags) const {
        return {.source = instance_.address,
                .destination = RandomNode::pod_address(0, true),
                .source_port = instance_.port,
                .destination_port = 20000,
                .tcp_flags = flags,
                .seq = 0,
                .ack = 1001};
    }
    void send(const Sent& packet) {
        ovs_.send(packet.from, frame_of(packet, ovs_.ethernet(packet.from), ""));
    }
    std::uint64_t packets(df_reason reason) {
        std::uint64_t sum = 0;
        for (const auto& drop : ovs_.counters().drops) {
            sum += drop.reason == reason ? drop.packets : 0;
        }
        return sum;
    }

    OvsSide ovs_;
    const model::Identity caller_{model::IdentityKind::kFunction, {"shop", "caller"}};
    const model::Identity callee_{model::IdentityKind::kFunction, {"shop", "callee"}};
    const model::RouteKey vip_{*util::IpAddress::parse("10.96.0.1"), 80, util::Protocol::kTcp};
    const model::RouteEndpoint instance_{*util::IpAddress::parse("10.1.9.9"), 8080,
                                         model::EndpointState::kReady, 0};
    model::RuleSet rules_;
};

/// There is an instance by now, but the call is the agent's.
TEST_F(KeptCall, RetransmissionGoesToTheAgent_ovs) {
    send(from_caller());
    ASSERT_TRUE(ovs_.wait_held(20000));
    rules_.routes[vip_].endpoints = {instance_};
    ovs_.make_all(rules_, {});
    send(from_caller());
    EXPECT_TRUE(support::wait_until([&] { return packets(DF_REASON_HELD) == 2; }));
    EXPECT_EQ(packets(DF_REASON_HELD), 2U);
    EXPECT_THAT(ovs_.left(), testing::IsEmpty()) << "it went to the instance";
}

/// The caller's own segment went after the agent's: both are reset, and the second reset meets a
/// connection that is over.
TEST_F(KeptCall, EachResetIsSwallowed_ovs) {
    send(from_caller());
    ASSERT_TRUE(ovs_.wait_held(20000));
    rules_.routes[vip_].endpoints = {instance_};
    ovs_.make_all(rules_, {});
    ovs_.replay_held(20000);
    const auto call = ovs_.next_at(kElsewhere);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->dst, instance_.address);
    send(from_instance(flag::kRst | flag::kAck));
    send(from_instance(flag::kRst | flag::kAck));
    EXPECT_TRUE(support::wait_until([&] { return packets(DF_REASON_REPLAY_RESET) == 2; }));
    EXPECT_EQ(packets(DF_REASON_MALFORMED), 0U);
    EXPECT_EQ(packets(DF_REASON_REPLAY_RESET), 2U);
    EXPECT_THAT(ovs_.left(), testing::IsEmpty()) << "the caller sees a reset";
}

}  // namespace
}  // namespace directfaas::backend
