// SPDX-License-Identifier: Apache-2.0
// A reader that looks as a program does, all the time, while instances come and go: it never sees
// half a list, an empty slot, or an instance of another vIP.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "agent/backend/ebpf/encode.h"
#include "test/backend/fixture.h"
#include "test/support/wait.h"

namespace directfaas::backend::ebpf {
namespace {

class SwapTest : public BackendTest {
   protected:
    // Room for all old lists: this reader is slower than a program and may look at one for long.
    SwapTest() { options().max_endpoints = 131072; }
};

/// What one look found wrong; empty if nothing.
std::string look(const Tables& tables, const df_vip_key& key, std::size_t& instances) {
    const auto vip = tables.vip.get(key).value();
    if (!vip) {
        return "the vIP is gone";
    }
    instances = vip->count;
    for (std::uint32_t ordinal = 0; ordinal < vip->count; ++ordinal) {
        const auto id = tables.slots.get({vip->id, vip->generation, ordinal}).value();
        if (!id || *id == 0) {
            return fmt::format("list {} of {} has no instance {}", vip->generation, vip->count,
                               ordinal);
        }
        const auto ep = tables.ep.get(*id).value();
        // A program chooses again then; so it may be only where the list is live no more.
        const bool stale = tables.vip.get(key).value()->generation != vip->generation;
        if (!stale && (ep->state == DF_EP_FREE || ep->vip_id != vip->id)) {
            return fmt::format("live instance {} belongs to vIP {}, state {}", *id, ep->vip_id,
                               ep->state);
        }
    }
    return {};
}

TEST_F(SwapTest, NoReaderSeesHalfAList) {
    inside([&] {
        start();
        auto rules = small_rules();
        const auto key = route_key("10.96.0.1");
        // Takes and gives back numbers beside it, so that they would be mixed up if they could.
        const auto neighbour = route_key("10.96.0.2");
        apply(rules);
        const auto open = tables();
        std::atomic<bool> stopping = false;
        std::string wrong;
        std::set<std::size_t> sizes;
        std::thread reader([&] {
            while (!stopping && wrong.empty()) {
                std::size_t instances = 0;
                wrong = look(open, encode(key), instances);
                sizes.insert(instances);
            }
        });
        std::mt19937 random(20261124);
        for (int change = 0; change < 3000; ++change) {
            for (const auto& route : {key, neighbour}) {
                auto& rule = rules.routes[route];
                rule.function = function("callee");
                rule.endpoints.clear();
                const int count = static_cast<int>(random() % 30);
                for (int i = 0; i < count; ++i) {
                    rule.endpoints.push_back(endpoint(fmt::format("10.1.{}.{}", change % 7, i)));
                }
            }
            apply(rules);
        }
        stopping = true;
        reader.join();
        EXPECT_EQ(wrong, "");
        EXPECT_GT(sizes.size(), 10U);  // it has looked at many different lists
        expect_dump(rules);
        const std::size_t listed =
            rules.routes[key].endpoints.size() + rules.routes[neighbour].endpoints.size();
        EXPECT_TRUE(support::wait_until([&] {
            EXPECT_TRUE(backend().sweep());
            std::size_t slots = 0;
            EXPECT_TRUE(open.slots.for_each([&](const auto&, const auto&) { ++slots; }));
            return slots == listed;
        }));
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
