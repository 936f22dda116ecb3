// SPDX-License-Identifier: Apache-2.0
// How the model's values read in messages.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

TEST(TextTest, Problems) {
    Problem problem{Problem::Severity::kError, at(3), "FunctionChain shop/bookinfo", "it is wrong",
                    "Mend it"};
    EXPECT_EQ(problem.text(),
              "bookinfo.yaml:3: error: FunctionChain shop/bookinfo: it is wrong. Mend it");
    problem.severity = Problem::Severity::kWarning;
    problem.object.clear();
    problem.advice.clear();
    problem.where.line = 0;
    EXPECT_EQ(problem.text(), "bookinfo.yaml: warning: it is wrong.");
}

TEST(TextTest, Identities) {
    EXPECT_EQ(outside().text(), "outside");
    EXPECT_EQ(function("reviews").text(), "shop/reviews");
    EXPECT_EQ(entry("gateway").text(), "shop/gateway (entry)");
}

TEST(TextTest, RouteKeys) {
    EXPECT_EQ(tcp("10.96.0.2").text(), "10.96.0.2:80/TCP");
    EXPECT_EQ((RouteKey{ip("fd00::1"), 53, util::Protocol::kUdp}).text(), "[fd00::1]:53/UDP");
}

}  // namespace
}  // namespace directfaas::model::test
