// SPDX-License-Identifier: Apache-2.0
#include "test/support/metrics.h"

#include <gtest/gtest.h>

namespace directfaas::support {
namespace {

constexpr const char* kText = R"(# HELP a_total what
# TYPE a_total counter
a_total{from="x",to="y"} 3
a_total{from="x",to="z \"q\" \\ \n"} 4
b 1.5e3
c{} +Inf
)";

TEST(Metrics, SumsOverMatchingSeries) {
    const Metrics metrics = Metrics::parse(kText);
    EXPECT_EQ(metrics.sum("a_total"), 7);
    EXPECT_EQ(metrics.sum("a_total", {{"to", "y"}}), 3);
    EXPECT_EQ(metrics.sum("a_total", {{"to", "z \"q\" \\ \n"}}), 4);
    EXPECT_EQ(metrics.sum("a_total", {{"nobody", "y"}}), 0);
    EXPECT_EQ(metrics.sum("b"), 1500);
    EXPECT_TRUE(metrics.has("c"));
    EXPECT_FALSE(metrics.has("d"));
    EXPECT_EQ(metrics.by("a_total", "from"), (std::map<std::string, double>{{"x", 7}}));
}

TEST(Metrics, RefusesWhatIsNoMetric) {
    EXPECT_THROW(Metrics::parse("a_total"), SupportError);
    EXPECT_THROW(Metrics::parse("a_total{x=\"1\" 3"), SupportError);
    EXPECT_THROW(Metrics::parse("a_total{x=1} 3"), SupportError);
    EXPECT_THROW(Metrics::parse("a_total many"), SupportError);
}

}  // namespace
}  // namespace directfaas::support
