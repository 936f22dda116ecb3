// SPDX-License-Identifier: Apache-2.0
// Which connections the sweep proposes to remove.
#include "agent/backend/ebpf/idle.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "maps/config.h"

namespace directfaas::backend::ebpf {
namespace {

constexpr std::uint64_t kSeen = 1'000'000'000'000;

/// Whether an entry is proposed `after` its last packet.
bool idle(std::uint8_t protocol, std::uint8_t tcp, std::uint64_t after, unsigned hurry = 0) {
    df_ct_key key{};
    key.proto = protocol;
    df_ct entry{};
    entry.tcp = tcp;
    entry.seen = kSeen;
    return may_be_idle(key, entry, std::chrono::nanoseconds(kSeen + after), hurry);
}

struct Row {
    const char* what;
    std::uint8_t protocol;
    std::uint8_t tcp;
    std::uint64_t limit;
    bool hurries;
};

TEST(Idle, EachStateHasItsTime) {
    const Row rows[] = {
        {"half open", IPPROTO_TCP, DF_TCP_SYN, DF_IDLE_SYN_NS, true},
        {"established", IPPROTO_TCP, DF_TCP_SYN | DF_TCP_ESTABLISHED, DF_IDLE_TCP_NS, false},
        {"closed", IPPROTO_TCP, DF_TCP_ESTABLISHED | DF_TCP_FIN, DF_IDLE_FIN_NS, true},
        {"reset", IPPROTO_TCP, DF_TCP_ESTABLISHED | DF_TCP_RST, DF_IDLE_RST_NS, true},
        {"closed, then reset", IPPROTO_TCP, DF_TCP_FIN | DF_TCP_RST, DF_IDLE_RST_NS, true},
        {"datagrams", IPPROTO_UDP, 0, DF_IDLE_UDP_NS, false},
        {"echo", IPPROTO_ICMP, 0, DF_IDLE_ICMP_NS, false},
        {"echo over IPv6", IPPROTO_ICMPV6, 0, DF_IDLE_ICMP_NS, false},
    };
    for (const auto& row : rows) {
        EXPECT_TRUE(idle(row.protocol, row.tcp, row.limit)) << row.what;
        EXPECT_FALSE(idle(row.protocol, row.tcp, row.limit - 1)) << row.what;
        EXPECT_EQ(idle(row.protocol, row.tcp, row.limit / 4, 2), row.hurries) << row.what;
    }
}

TEST(Idle, AnEntrySeenLaterThanNowIsNotIdle) {
    EXPECT_FALSE(idle(IPPROTO_ICMP, 0, 0));
    df_ct_key key{};
    df_ct entry{};
    entry.seen = kSeen;
    EXPECT_FALSE(may_be_idle(key, entry, std::chrono::nanoseconds(kSeen - 1), 0));
}

TEST(Idle, HasteGrowsWithTheFillOfTheTable) {
    EXPECT_EQ(haste(0, 1000), 0U);
    EXPECT_EQ(haste(249, 1000), 0U);
    EXPECT_EQ(haste(250, 1000), 2U);
    EXPECT_EQ(haste(499, 1000), 2U);
    EXPECT_EQ(haste(500, 1000), 4U);
    EXPECT_EQ(haste(1000, 1000), 4U);
}

}  // namespace
}  // namespace directfaas::backend::ebpf
