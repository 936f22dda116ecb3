// SPDX-License-Identifier: Apache-2.0
#include "lib/util/backoff.h"

#include <gtest/gtest.h>

namespace directfaas::util {
namespace {

using std::chrono::milliseconds;

constexpr BackoffOptions kOptions{.first = milliseconds(100), .max = milliseconds(1000)};

TEST(BackoffTest, DoublesWithinItsSpreadUpToTheLimit) {
    Backoff backoff(kOptions, 7);
    for (const int expected : {100, 200, 400, 800, 1000, 1000}) {
        const auto wait = backoff.next();
        EXPECT_GE(wait, milliseconds(expected));
        EXPECT_LE(wait, milliseconds(expected * 12 / 10 + 1));
    }
    backoff.reset();
    EXPECT_LE(backoff.next(), milliseconds(121));
}

TEST(BackoffTest, SameSeedSameWaits) {
    Backoff one(kOptions, 8);
    Backoff same(kOptions, 8);
    EXPECT_EQ(one.next(), same.next());
}

TEST(BackoffTest, ALimitOfOneWaitHoldsForThatWait) {
    Backoff backoff(kOptions, 7);
    for (int i = 0; i < 5; ++i) {
        EXPECT_LE(backoff.next_up_to(milliseconds(150)), milliseconds(181));
    }
    EXPECT_GE(backoff.next(), milliseconds(300));
    EXPECT_GE(backoff.next(), milliseconds(600));
}

TEST(BackoffTest, StartsAnewAfterATimeWithoutTrouble) {
    auto options = kOptions;
    options.calm = milliseconds(5000);
    Backoff backoff(options, 7);
    const auto begin = Backoff::Clock::now();
    (void)backoff.next(begin);
    EXPECT_GE(backoff.next(begin + milliseconds(5000)), milliseconds(200));
    EXPECT_LE(backoff.next(begin + milliseconds(10001)), milliseconds(121));
}

}  // namespace
}  // namespace directfaas::util
