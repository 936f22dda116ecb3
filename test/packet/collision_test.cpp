// SPDX-License-Identifier: Apache-2.0
// One source port, two destinations, one instance: on the wire both calls would look alike.
#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

namespace flag = support::tcp_flag;

class Collision : public EitherFamily {
   protected:
    void SetUp() override {
        EitherFamily::SetUp();
        open_call(40000);
        answer_call(40000);
    }
    Outcome call_directly(std::uint8_t flags = flag::kSyn) {
        return sw.from_pod(caller_if, tcp(pod(1), 40000, pod(2), 8080, flags));
    }
};
DF_BOTH_FAMILIES(Collision);

TEST_P(Collision, DirectCallGetsAnotherPortWhileTheOtherIsOpen) {
    const auto sent = call_directly();
    EXPECT_EQ(sent.verdict, kNext);
    const auto seen = look(sent.frame);
    EXPECT_NE(seen.sport, 40000);
    EXPECT_EQ(seen.dst.text(), pod(2));
    EXPECT_EQ(seen.dport, 8080);

    const auto answer = look(
        sw.to_pod(caller_if, tcp(pod(2), 8080, pod(1), seen.sport, flag::kSyn | flag::kAck)).frame);
    EXPECT_EQ(answer.src.text(), pod(2));
    EXPECT_EQ(answer.sport, 8080);
    EXPECT_EQ(answer.dport, 40000);
    EXPECT_EQ(look(answer_call(40000, flag::kAck).frame).src.text(), vip(2));
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 2U);
}

TEST_P(Collision, ConnectionThatIsOverMakesRoom) {
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kFin | flag::kAck));
    answer_call(40000, flag::kFin | flag::kAck);
    const auto sent = call_directly();
    EXPECT_EQ(sent.verdict, kNext);
    EXPECT_EQ(look(sent.frame).sport, 40000);
    EXPECT_EQ(sw.connections(), 2U) << "the older one's other half is gone, too";
    EXPECT_EQ(sw.open_at(kInstanceOne), 0U) << "closed once, not twice";
    EXPECT_EQ(sw.counted(DF_REASON_TUPLE_COLLISION, DF_HOOK_FROM_POD), 0U);
}

TEST_P(Collision, HalfClosedConnectionIsNotOver) {
    sw.from_pod(caller_if, tcp(pod(1), 40000, vip(2), 80, flag::kFin | flag::kAck));
    EXPECT_NE(look(call_directly().frame).sport, 40000);
    EXPECT_EQ(look(answer_call(40000, flag::kAck).frame).src.text(), vip(2));
}

}  // namespace
}  // namespace directfaas::packet
