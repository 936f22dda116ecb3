// SPDX-License-Identifier: Apache-2.0
// The guard of uplinks: devices that come and go, programs of others, processes that end.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <array>

#include "agent/backend/ebpf/encode.h"
#include "test/backend/attach_fixture.h"

namespace directfaas::backend::ebpf {
namespace {

constexpr auto kDevice = "wan0";

std::uint32_t xdp_on(const char* device, std::uint32_t mode) {
    std::uint32_t id = 0;
    EXPECT_EQ(
        bpf_xdp_query_id(static_cast<int>(if_nametoindex(device)), static_cast<int>(mode), &id), 0);
    return id;
}

class UplinkTest : public AttachBase {
   protected:
    UplinkTest() { options().uplinks.devices = {kDevice}; }

    /// Empty: the device is guarded.
    std::string problem() {
        const auto counters = backend().counters();
        EXPECT_TRUE(counters);
        EXPECT_EQ(counters->uplinks.size(), 1U);
        return counters->uplinks.front().problem;
    }
    void look() {
        const auto swept = backend().sweep();
        ASSERT_TRUE(swept) << swept.error().text();
    }
};

TEST_F(UplinkTest, GuardsTheDeviceUntilTheInstanceIsRemoved) {
    add_interface(kDevice);
    inside([&] {
        start();
        EXPECT_EQ(problem(), "");
        EXPECT_NE(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), 0U);
        EXPECT_EQ(xdp_on(kDevice, XDP_FLAGS_DRV_MODE), 0U);
        ASSERT_TRUE(backend().remove());
        EXPECT_EQ(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), 0U);
    });
}

TEST_F(UplinkTest, ANewProcessReplacesTheProgramInPlace) {
    add_interface(kDevice);
    inside([&] {
        start();
        const auto first = xdp_on(kDevice, XDP_FLAGS_SKB_MODE);
        stop();
        EXPECT_EQ(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), first);  // exit detaches nothing
        start();
        EXPECT_EQ(problem(), "");
        const auto second = xdp_on(kDevice, XDP_FLAGS_SKB_MODE);
        EXPECT_NE(second, 0U);
        EXPECT_NE(second, first);
    });
}

TEST_F(UplinkTest, DeviceMayComeLaterGoAndComeBack) {
    inside([&] {
        start();
        EXPECT_NE(problem().find("no such device"), std::string::npos) << problem();
    });
    add_interface(kDevice);
    inside([&] {
        look();
        EXPECT_EQ(problem(), "");
        EXPECT_NE(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), 0U);
    });
    remove_interface(kDevice);
    inside([&] {
        look();
        EXPECT_NE(problem(), "");
    });
    add_interface(kDevice);
    inside([&] {
        look();
        EXPECT_EQ(problem(), "");
        EXPECT_NE(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), 0U);
    });
}

TEST_F(UplinkTest, DeviceThatIsNotNamedAnyMoreIsLeft) {
    add_interface(kDevice);
    inside([&] {
        start();
        ASSERT_NE(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), 0U);
        stop();
        options().uplinks.devices.clear();
        start();
        EXPECT_EQ(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), 0U);
    });
}

TEST_F(UplinkTest, ModeMayChange) {
    add_interface(kDevice);
    inside([&] {
        start();
        stop();
        options().uplinks.mode = UplinkMode::kNative;
        start();
        EXPECT_EQ(problem(), "");
        EXPECT_NE(xdp_on(kDevice, XDP_FLAGS_DRV_MODE), 0U);
        EXPECT_EQ(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), 0U);
    });
}

TEST_F(UplinkTest, ProgramOfOthersStaysAndIsNamed) {
    const auto ifindex = static_cast<int>(add_interface(kDevice));
    inside([&] {
        const auto foreign = program_of_others(BPF_PROG_TYPE_XDP, XDP_PASS);
        ASSERT_TRUE(foreign.valid());
        ASSERT_EQ(bpf_xdp_attach(ifindex, foreign.get(), XDP_FLAGS_SKB_MODE, nullptr), 0);
        const auto theirs = xdp_on(kDevice, XDP_FLAGS_SKB_MODE);
        start();
        EXPECT_NE(problem().find("another XDP program"), std::string::npos) << problem();
        EXPECT_EQ(xdp_on(kDevice, XDP_FLAGS_SKB_MODE), theirs);
        ASSERT_EQ(bpf_xdp_detach(ifindex, XDP_FLAGS_SKB_MODE, nullptr), 0);
        look();
        EXPECT_EQ(problem(), "");
    });
}

/// What the guard knows of this node's pods follows their attachments.
TEST_F(UplinkTest, AddressesOfAttachedPodsAreLocal) {
    add_interface(kDevice);
    const unsigned pod = add_interface("pod0");
    inside([&] {
        start();
        const auto rules = attached(pod);
        apply(rules);
        const auto address = encode(rules.attachments.begin()->second.addresses.front());
        const auto owner = [&] { return tables().local_addr.get(address).value(); };
        EXPECT_EQ(owner(), pod);
        stop();
        start();
        EXPECT_EQ(owner(), pod);
        apply(small_rules());
        EXPECT_EQ(owner(), std::nullopt);
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
