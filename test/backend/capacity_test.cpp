// SPDX-License-Identifier: Apache-2.0
// Full tables say so by name, take nobody else down, and are not full for ever.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/backend/fixture.h"

namespace directfaas::backend::ebpf {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class CapacityTest : public BackendTest {
   protected:
    /// The message of a delta that must fail.
    std::string failure(const model::RuleDelta& delta) {
        const auto applied = backend().apply(delta);
        return applied ? "no failure" : applied.error().text();
    }
    static model::RuleDelta functions(int count) {
        model::RuleDelta delta;
        for (int i = 0; i < count; ++i) {
            delta.identities[function(fmt::format("f{:03}", i))] = {};
        }
        return delta;
    }
};

TEST_F(CapacityTest, Identities) {
    options().max_functions = 8;  // number 0 is "outside"
    inside([&] {
        start();
        EXPECT_THAT(failure(functions(9)),
                    AllOf(HasSubstr("shop/f007"), HasSubstr("table `fn` is full (8 entries)"),
                          HasSubstr("--max-functions"), HasSubstr("and 1 more rules failed")));
        model::RuleDelta fewer;
        fewer.identities_removed = {function("f000")};
        ASSERT_TRUE(backend().apply(fewer));
        EXPECT_EQ(failure(functions(0)), "no failure");
        model::RuleDelta another;
        another.identities[function("late")] = {};
        EXPECT_EQ(failure(another), "no failure");
    });
}

TEST_F(CapacityTest, Edges) {
    options().max_edges = 4;
    inside([&] {
        start();
        ASSERT_TRUE(backend().apply(functions(5)));
        model::RuleDelta delta;
        for (int i = 0; i < 4; ++i) {
            delta.allowed.insert({function("f004"), function(fmt::format("f{:03}", i))});
        }
        EXPECT_THAT(failure(delta),
                    AllOf(HasSubstr("shop/f004 → shop/f003"),
                          HasSubstr("table `edge` is full (4 entries)"), HasSubstr("--max-edges")));
    });
}

TEST_F(CapacityTest, VipsAndEndpoints) {
    options().max_vips = 4;
    options().max_endpoints = 16;
    inside([&] {
        start();
        auto rules = small_rules();
        apply(rules);
        model::RuleDelta delta;
        for (int i = 2; i < 6; ++i) {
            delta.routes[route_key(fmt::format("10.96.0.{}", i))] = {function("callee"), {}};
        }
        EXPECT_THAT(failure(delta),
                    AllOf(HasSubstr("route 10.96.0.4:80/TCP"),
                          HasSubstr("table `vip` is full (4 entries)"), HasSubstr("--max-vips")));
        delta = {};
        auto& route = delta.routes[route_key("10.96.0.1")];
        route.function = function("callee");
        for (int i = 1; i <= 16; ++i) {
            route.endpoints.push_back(endpoint(fmt::format("10.1.1.{}", i)));
        }
        EXPECT_THAT(failure(delta), AllOf(HasSubstr("route 10.96.0.1:80/TCP"),
                                          HasSubstr("table `ep` is full (16 entries)"),
                                          HasSubstr("--max-endpoints")));
        // The old list is still the live one, and what was taken for the new one is free again.
        const auto dumped = backend().dump();
        ASSERT_TRUE(dumped);
        EXPECT_EQ(dumped->routes.at(route_key("10.96.0.1")),
                  rules.routes.at(route_key("10.96.0.1")));
        route.endpoints.resize(14);
        EXPECT_EQ(failure(delta), "no failure");
        // More lists than the table has room for beside each other: old ones make way.
        for (int round = 0; round < 20; ++round) {
            std::ranges::rotate(route.endpoints, route.endpoints.begin() + 7);
            auto& shorter = delta.routes[route_key("10.96.0.1")].endpoints;
            std::ranges::sort(shorter);
            shorter.resize(round % 2 == 0 ? 7 : 14, endpoint("10.1.2.1"));
            std::ranges::sort(shorter);
            shorter.erase(std::unique(shorter.begin(), shorter.end()), shorter.end());
            EXPECT_EQ(failure(delta), "no failure") << round;
        }
    });
}

TEST_F(CapacityTest, PodsOnThisNode) {
    options().max_pods = 2;
    std::vector<unsigned> interfaces;
    for (const char* name : {"pod0", "pod1", "pod2"}) {
        interfaces.push_back(add_interface(name));
    }
    inside([&] {
        start();
        apply(small_rules());
        model::RuleDelta delta;
        for (int i = 0; i < 3; ++i) {
            delta.attachments[{"shop", fmt::format("p{}", i)}] = {
                function("caller"), interfaces[static_cast<std::size_t>(i)], {}, true};
        }
        EXPECT_THAT(failure(delta),
                    AllOf(HasSubstr("pod shop/p2"), HasSubstr("is full (2 entries)"),
                          HasSubstr("--max-pods")));
        const auto dumped = backend().dump();
        ASSERT_TRUE(dumped);
        EXPECT_EQ(dumped->attachments.size(), 2U);
    });
}

/// What fails must not keep a revocation of the same delta from taking effect.
TEST_F(CapacityTest, TheRestOfTheDeltaIsApplied) {
    options().max_functions = 4;
    inside([&] {
        start();
        apply(small_rules());
        auto delta = functions(4);
        delta.revoked = small_rules().allowed;
        EXPECT_THAT(failure(delta), HasSubstr("table `fn` is full"));
        const auto dumped = backend().dump();
        ASSERT_TRUE(dumped);
        EXPECT_TRUE(dumped->allowed.empty());
    });
}

/// Tables keep their size over a restart; the rules in them are worth more.
TEST_F(CapacityTest, AnotherSizeNeedsAnotherInstallation) {
    inside([&] {
        start();
        apply(small_rules());
        options().max_endpoints *= 2;
        start();
        expect_dump(small_rules());
        EXPECT_EQ(tables().ep.capacity(), options().max_endpoints / 2);
        ASSERT_TRUE(backend().remove());
        start();
        EXPECT_EQ(tables().ep.capacity(), options().max_endpoints);
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
