// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/counting.h"

#include <gtest/gtest.h>

namespace directfaas::backend::ovs {
namespace {

constexpr const char* kDump =
    "tcp,orig=(src=10.1.0.2,dst=10.96.0.3,sport=40000,dport=80),reply=(src=10.1.0.4,dst=10.1.0.2,"
    "sport=8080,dport=40000),zone=53248,mark=16,labels=0x4,protoinfo=(state=ESTABLISHED)\n"
    "tcp,orig=(src=10.1.0.2,dst=10.96.0.3,sport=40001,dport=80),reply=(src=10.1.0.4,dst=10.1.0.2,"
    "sport=8080,dport=40001),zone=53248,mark=16,labels=0x4,protoinfo=(state=TIME_WAIT)\n"
    "udp,orig=(src=fd00::2,dst=fd00:96::3,sport=40002,dport=53),reply=(src=fd00::4,dst=fd00::2,"
    "sport=5353,dport=40002),zone=53250,mark=17,labels=0x5\n"
    "tcp,orig=(src=10.1.0.2,dst=10.1.0.9,sport=40003,dport=80),reply=(src=10.1.0.9,dst=10.1.0.2,"
    "sport=80,dport=40003),zone=53249,mark=2147483664,protoinfo=(state=ESTABLISHED)\n"
    "tcp,orig=(src=10.1.0.2,dst=1.1.1.1,sport=40004,dport=80),reply=(src=1.1.1.1,dst=10.1.0.2,"
    "sport=80,dport=40004),zone=53248,mark=2,protoinfo=(state=ESTABLISHED)\n"
    "tcp,orig=(src=10.9.0.2,dst=10.9.0.3,sport=1,dport=2),reply=(src=10.9.0.3,dst=10.9.0.2,sport=2,"
    "dport=1),zone=7,mark=16,protoinfo=(state=ESTABLISHED)\n";

TEST(OvsCounting, OpenConnectionsByEdgeAndInstance) {
    const auto open = read_open_connections(kDump);
    EXPECT_EQ(open.all, 4U) << "ours, and not over";
    EXPECT_EQ(open.by_mark.at(16), 1U);
    EXPECT_EQ(open.by_mark.at(17), 1U);
    EXPECT_EQ(open.by_instance.at(*util::IpAddress::parse("10.1.0.4")), 1U);
    EXPECT_EQ(open.by_instance.at(*util::IpAddress::parse("fd00::4")), 1U);
    EXPECT_EQ(open.by_instance.size(), 2U)
        << "what is free, or counted elsewhere, is no instance's";
    EXPECT_EQ(read_open_connections("").all, 0U);
}

TEST(OvsCounting, UnavailableSeriesAreMarked) {
    const auto counters = make_counters({}, {}, {});
    EXPECT_FALSE(counters.closings);
    EXPECT_FALSE(counters.handshakes);
}

}  // namespace
}  // namespace directfaas::backend::ovs
