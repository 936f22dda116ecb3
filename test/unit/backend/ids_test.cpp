// SPDX-License-Identifier: Apache-2.0
// Numbers are never given out twice at once, and reused as late as possible.
#include "agent/backend/ebpf/ids.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace directfaas::backend::ebpf {
namespace {

TEST(Ids, StartAtFirstAndEndAtCapacity) {
    Ids ids(1, 4);
    EXPECT_EQ(ids.take(), 1U);
    EXPECT_EQ(ids.take(), 2U);
    EXPECT_EQ(ids.take(), 3U);
    EXPECT_EQ(ids.take(), std::nullopt);
    EXPECT_EQ(ids.in_use(), 3U);
}

TEST(Ids, ReuseComesAfterAllThatWereNeverUsed) {
    Ids ids(0, 3);
    const auto first = ids.take();
    ASSERT_EQ(first, 0U);
    ids.give_back(*first);
    EXPECT_EQ(ids.take(), 1U);
    EXPECT_EQ(ids.take(), 2U);
    EXPECT_EQ(ids.take(), 0U);
}

TEST(Ids, TheLongestFreeIsReusedFirst) {
    Ids ids(0, 2);
    ids.take();
    ids.take();
    ids.give_back(1);
    ids.give_back(0);
    EXPECT_EQ(ids.take(), 1U);
    EXPECT_EQ(ids.take(), 0U);
}

TEST(Ids, RestoreKeepsWhatIsUsed) {
    Ids ids(1, 6);
    ids.restore({false, false, true, false, true, false});
    EXPECT_EQ(ids.in_use(), 2U);
    std::set<std::uint32_t> given;
    while (const auto id = ids.take()) {
        given.insert(*id);
    }
    EXPECT_EQ(given, (std::set<std::uint32_t>{1, 3, 5}));
}

TEST(Ids, RandomTakesAndReturnsNeverOverlap) {
    std::mt19937 random(20261124);
    Ids ids(1, 17);
    std::set<std::uint32_t> taken;
    for (int step = 0; step < 10000; ++step) {
        if (random() % 2 == 0) {
            if (const auto id = ids.take()) {
                ASSERT_GE(*id, 1U);
                ASSERT_LT(*id, 17U);
                ASSERT_TRUE(taken.insert(*id).second) << *id << " was given out twice";
            } else {
                ASSERT_EQ(taken.size(), 16U);
            }
        } else if (!taken.empty()) {
            const auto id = std::next(taken.begin(), random() % taken.size());
            ids.give_back(*id);
            taken.erase(id);
        }
        ASSERT_EQ(ids.in_use(), taken.size());
    }
}

}  // namespace
}  // namespace directfaas::backend::ebpf
