// SPDX-License-Identifier: Apache-2.0
// The agent may be killed between any two writes. The next one finishes or takes back what it finds
// half done, and the rules it then dumps are what the programs act on.
#include <gtest/gtest.h>

#include "agent/backend/ebpf/encode.h"
#include "test/backend/fixture.h"

namespace directfaas::backend::ebpf {
namespace {

class RepairTest : public BackendTest {
   protected:
    /// Applies the small rules, ends the process, lets `damage` write, starts again.
    template <typename Damage>
    void after(Damage damage) {
        start();
        apply(small_rules());
        stop();
        damage(tables());
        start();
    }
    static std::uint32_t fn_of(const Tables& tables, const std::string& address) {
        return tables.ip_id.get(encode(ip(address))).value()->fn;
    }
};

TEST_F(RepairTest, AListThatWasNotSwitchedInIsDeleted) {
    inside([&] {
        df_vip vip{};
        after([&](const Tables& open) {
            vip = *open.vip.get(encode(route_key("10.96.0.1"))).value();
            ASSERT_TRUE(open.slots.put({vip.id, vip.generation + 1, 0}, 1));
            ASSERT_TRUE(open.slots.put({vip.id + 5, 1, 0}, 1));
        });
        EXPECT_FALSE(tables().slots.get({vip.id, vip.generation + 1, 0}).value());
        EXPECT_FALSE(tables().slots.get({vip.id + 5, 1, 0}).value());
        expect_dump(small_rules());
    });
}

TEST_F(RepairTest, AnInstanceThatIsReadyButNotListedGetsListed) {
    inside([&] {
        after([&](const Tables& open) {
            const auto vip = *open.vip.get(encode(route_key("10.96.0.1"))).value();
            df_ep unlisted{};
            unlisted.addr = encode(ip("10.1.0.3"));
            unlisted.port = encode_port(8080);
            unlisted.state = DF_EP_READY;
            unlisted.gen = 1;
            unlisted.vip_id = vip.id;
            ASSERT_TRUE(open.ep.put(40, unlisted));
        });
        auto rules = small_rules();
        rules.routes[route_key("10.96.0.1")].endpoints.push_back(endpoint("10.1.0.3"));
        expect_dump(rules);
        const auto vip = *tables().vip.get(encode(route_key("10.96.0.1"))).value();
        ASSERT_EQ(vip.count, 2U);
        EXPECT_EQ(tables().slots.get({vip.id, vip.generation, 1}).value(), 40U);
    });
}

TEST_F(RepairTest, AListWithAHoleIsWrittenAnew) {
    inside([&] {
        std::uint32_t generation = 0;
        after([&](const Tables& open) {
            const auto vip = *open.vip.get(encode(route_key("10.96.0.1"))).value();
            generation = vip.generation;
            ASSERT_TRUE(open.slots.erase({vip.id, vip.generation, 0}).value());
        });
        const auto vip = *tables().vip.get(encode(route_key("10.96.0.1"))).value();
        EXPECT_GT(vip.generation, generation);
        EXPECT_TRUE(tables().slots.get({vip.id, vip.generation, 0}).value());
        expect_dump(small_rules());
    });
}

TEST_F(RepairTest, AnInstanceOfNoVipIsFreed) {
    inside([&] {
        after([&](const Tables& open) {
            df_ep orphan{};
            orphan.addr = encode(ip("10.1.0.9"));
            orphan.state = DF_EP_READY;
            orphan.gen = 6;
            orphan.vip_id = 500;
            ASSERT_TRUE(open.ep.put(41, orphan));
        });
        const auto freed = *tables().ep.get(41).value();
        EXPECT_EQ(freed.state, DF_EP_FREE);
        EXPECT_EQ(freed.gen, 7U);
        expect_dump(small_rules());
    });
}

TEST_F(RepairTest, AnEdgeThatOnlyOneTableKnowsIsTakenBack) {
    inside([&] {
        df_allow_key half{};
        after([&](const Tables& open) {
            const auto caller = fn_of(open, "10.1.0.1");
            const auto callee = fn_of(open, "10.1.0.2");
            half = {callee, caller};
            ASSERT_TRUE(open.allow.put(half, {90, 3}));              // no edge 90
            ASSERT_TRUE(open.edge.put(91, {5, 1, callee, callee}));  // no allow
            ASSERT_TRUE(open.allow.put({700, caller}, {92, 1}));     // nobody is 700
            ASSERT_TRUE(open.edge.put(92, {1, 1, 700, caller}));
        });
        EXPECT_FALSE(tables().allow.get(half).value());
        EXPECT_EQ(tables().edge.get(91).value()->live, 0U);
        EXPECT_EQ(tables().edge.get(91).value()->gen, 6U);
        EXPECT_EQ(tables().edge.get(92).value()->live, 0U);
        expect_dump(small_rules());
    });
}

TEST_F(RepairTest, AnEdgeWhoseRevocationWasCutShortIsRevoked) {
    inside([&] {
        after([&](const Tables& open) {
            std::optional<df_allow> allowed;
            ASSERT_TRUE(open.allow.for_each(
                [&](const df_allow_key&, const df_allow& found) { allowed = found; }));
            auto edge = *open.edge.get(allowed->edge).value();
            edge.live = 0;
            ++edge.gen;
            ASSERT_TRUE(open.edge.put(allowed->edge, edge));
        });
        auto rules = small_rules();
        rules.allowed.clear();
        expect_dump(rules);
    });
}

TEST_F(RepairTest, WhatBelongsToNobodyIsRemoved) {
    inside([&] {
        after([&](const Tables& open) {
            ASSERT_TRUE(open.fn_port.put({700, encode_port(80), 6, 0}, {DF_PORT_OPEN}));
            ASSERT_TRUE(open.ip_id.put(encode(ip("10.1.0.50")), {700, 1, DF_ADDR_POD}));
            ASSERT_TRUE(open.ip_id.put(encode(ip("10.96.0.50")),
                                       {fn_of(open, "10.1.0.2"), 1, DF_ADDR_VIP}));
            ASSERT_TRUE(open.vip.put(encode(route_key("10.96.0.51")), {99, 700, 1, 0, 0, 0}));
            ASSERT_TRUE(open.veth.put(4000, df_veth{}));
            ASSERT_TRUE(open.pod_name.put(4001, df_pod_name{}));
        });
        const auto open = tables();
        EXPECT_FALSE(open.fn_port.get({700, encode_port(80), 6, 0}).value());
        EXPECT_FALSE(open.ip_id.get(encode(ip("10.1.0.50"))).value());
        EXPECT_FALSE(open.ip_id.get(encode(ip("10.96.0.50"))).value());
        EXPECT_FALSE(open.vip.get(encode(route_key("10.96.0.51"))).value());
        EXPECT_FALSE(open.veth.get(4000).value());
        EXPECT_FALSE(open.pod_name.get(4001).value());
        expect_dump(small_rules());
    });
}

TEST_F(RepairTest, AMissingVipAddressIsWrittenAgain) {
    inside([&] {
        after([&](const Tables& open) {
            ASSERT_TRUE(open.ip_id.erase(encode(ip("10.96.0.1"))).value());
        });
        const auto owner = tables().ip_id.get(encode(ip("10.96.0.1"))).value();
        ASSERT_TRUE(owner);
        EXPECT_EQ(owner->fn, fn_of(tables(), "10.1.0.2"));
    });
}

/// The names are lost but not the programs: the agent does not know whose interface it is.
TEST_F(RepairTest, AnAttachmentWithoutANameIsTakenDown) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        start();
        auto rules = small_rules();
        rules.attachments[{"shop", "caller-1"}] = {
            function("caller"), ifindex, {ip("10.1.0.1")}, true};
        apply(rules);
        stop();
        ASSERT_TRUE(tables().pod_name.erase(ifindex).value());
        start();
        expect_dump(small_rules());
        EXPECT_FALSE(tables().veth.get(ifindex).value());
        const auto applied = backend().apply(model::plan(small_rules(), rules));
        ASSERT_TRUE(applied) << applied.error().text();
        expect_dump(rules);
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
