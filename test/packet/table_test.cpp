// SPDX-License-Identifier: Apache-2.0
// Limits of the connection table and of one pod's share of it.
#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

namespace flag = support::tcp_flag;

class Table : public EitherFamily {};
DF_BOTH_FAMILIES(Table);

TEST_P(Table, FullTableRefusesNewConnectionsByNameAndKeepsOldOnes) {
    int opened = 0;
    for (std::uint16_t port = 10000; port < 11000; ++port) {
        opened += sw.from_pod(caller_if, tcp(pod(1), port, vip(2), 80)).verdict == kNext ? 1 : 0;
    }
    EXPECT_EQ(opened, 512) << "1024 entries, two a connection";
    EXPECT_EQ(sw.counted(DF_REASON_CT_FULL, DF_HOOK_FROM_POD), 1000U - 512U);
    EXPECT_EQ(sw.edge_stats(kEdgeCall).opened, 512U);
    EXPECT_EQ(sw.connections(), 1024U) << "no half connections";
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 10000, vip(2), 80, flag::kAck, "x")).verdict,
              kNext);
}

TEST_P(Table, PodWithoutBudgetDoesNotTouchItsOwnOpenConnections) {
    auto config = sw.config();
    config.budget_live = 5;
    sw.configure(config);
    int opened = 0;
    for (std::uint16_t port = 10000; port < 10020; ++port) {
        opened += sw.from_pod(caller_if, tcp(pod(1), port, vip(2), 80)).verdict == kNext ? 1 : 0;
    }
    EXPECT_LT(opened, 10);
    EXPECT_EQ(sw.counted(DF_REASON_CT_BUDGET, DF_HOOK_FROM_POD),
              static_cast<std::uint64_t>(20 - opened));
    EXPECT_EQ(sw.from_pod(caller_if, tcp(pod(1), 10000, vip(2), 80, flag::kAck, "x")).verdict,
              kNext);
}

TEST_P(Table, PodMayOnlyOpenSoManyAtOnce) {
    auto config = sw.config();
    config.budget_rate = 1;
    config.budget_burst = 10;
    sw.configure(config);
    int opened = 0;
    for (std::uint16_t port = 10000; port < 10100; ++port) {
        opened += sw.from_pod(caller_if, tcp(pod(1), port, vip(2), 80)).verdict == kNext ? 1 : 0;
    }
    EXPECT_GE(opened, 10);
    EXPECT_LE(opened, 15);
}

}  // namespace
}  // namespace directfaas::packet
