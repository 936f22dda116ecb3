// SPDX-License-Identifier: Apache-2.0
#include "lib/util/histogram.h"

#include <gtest/gtest.h>

namespace directfaas::util {
namespace {

TEST(Log2Quantile, LiesInItsBucket) {
    std::vector<std::uint64_t> buckets(24, 0);
    EXPECT_EQ(log2_quantile(buckets, 0.5), std::nullopt);
    EXPECT_EQ(log2_quantile({}, 0.5), std::nullopt);
    buckets[0] = 1;
    buckets[10] = 99;
    EXPECT_EQ(log2_quantile(buckets, 0.01), 1.0);
    EXPECT_GT(*log2_quantile(buckets, 0.5), 512.0);
    EXPECT_LT(*log2_quantile(buckets, 0.99), 1024.0);
    EXPECT_EQ(log2_quantile(buckets, 1.0), 1024.0);
}

}  // namespace
}  // namespace directfaas::util
