// SPDX-License-Identifier: Apache-2.0
// More than fits into one OpenFlow message.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/ovs/fixture.h"

namespace directfaas::backend::ovs {
namespace {

model::RuleSet function_with(int endpoints) {
    model::RuleSet rules;
    const model::Identity function{model::IdentityKind::kFunction, {"shop", "large"}};
    rules.identities[function].served = {{8080, util::Protocol::kTcp}};
    model::RouteRule route;
    route.function = function;
    for (int i = 0; i < endpoints; ++i) {
        const auto address =
            *util::IpAddress::parse(fmt::format("10.20.{}.{}", i / 250, i % 250 + 1));
        rules.addresses[address] = function;
        route.endpoints.push_back({address, 8080, model::EndpointState::kReady, 0});
    }
    rules.routes[{*util::IpAddress::parse("10.96.0.1"), 80, util::Protocol::kTcp}] =
        std::move(route);
    return rules;
}

/// Buckets by their statistics: descriptions of groups of this size are more than ovs-ofctl reads.
std::size_t buckets(const std::string& statistics) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = statistics.find("bucket", at)) != std::string::npos; ++at) {
        ++count;
    }
    return count;
}

TEST_F(OvsTest, GroupOfFiveThousandGrowsAndShrinksWhole) {
    for (const int endpoints : {5000, 5001, 4999}) {
        SCOPED_TRACE(endpoints);
        make(function_with(endpoints));
    }
    for (const int endpoints : {3000, 2990, 4, 2000, 0}) {
        SCOPED_TRACE(endpoints);
        make(function_with(endpoints));
        EXPECT_EQ(buckets(vswitch().ofctl("dump-group-stats")),
                  static_cast<std::size_t>(endpoints));
    }
}

}  // namespace
}  // namespace directfaas::backend::ovs
