// SPDX-License-Identifier: Apache-2.0
// What ovs-vswitchd says about its bridges.
#include "agent/backend/ovs/bridge.h"

#include <gtest/gtest.h>

namespace directfaas::backend::ovs {
namespace {

constexpr const char* kShown =
    "netdev@ovs-netdev: hit:1 missed:2\n"
    "  br-slow:\n"
    "    br-slow 65534/1: (tap)\n"
    "system@ovs-system: hit:3 missed:4\n"
    "  br0:\n"
    "    br0 65534/1: (internal)\n"
    "    veth1 1/2: (system)\n";

TEST(OvsBridge, DatapathIsToldByTheLineAboveIt) {
    EXPECT_EQ(read_datapath(kShown, "br-slow"), Datapath::kUserspace);
    EXPECT_EQ(read_datapath(kShown, "br0"), Datapath::kKernel);
}

}  // namespace
}  // namespace directfaas::backend::ovs
