// SPDX-License-Identifier: Apache-2.0
// Cutting deltas: nothing is lost, and the culprit is found.
#include "agent/sync/pieces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/agent/shop.h"

namespace directfaas::sync {
namespace {

using namespace agent_test;

/// One statement of each kind.
model::RuleDelta one_of_each() {
    model::RuleDelta delta;
    delta.identities[function("front")] = {};
    delta.addresses[ip("10.1.0.1")] = function("front");
    delta.routes[route("10.96.0.1")] = {function("front"), {}, model::WhenEmpty::kHold};
    delta.allowed = {{function("front"), function("back")}};
    delta.attachments[shop("front-1")] = {function("front"), 7, {ip("10.1.0.1")}, true};
    delta.revoked = {{function("back"), function("front")}};
    delta.detached = {shop("back-1")};
    delta.routes_removed = {route("10.96.0.9")};
    delta.addresses_removed = {ip("10.1.0.9")};
    delta.identities_removed = {function("gone")};
    return delta;
}

TEST(Pieces, FrontAndRestMakeTheWhole) {
    const auto whole = one_of_each();
    ASSERT_EQ(statements(whole), 10U);
    for (std::size_t count = 0; count <= 10; ++count) {
        auto rest = whole;
        auto front = take_front(rest, count);
        EXPECT_EQ(statements(front), count);
        EXPECT_EQ(statements(rest), 10 - count);
        model::RuleSet in_two;
        model::RuleSet in_one;
        model::apply(front, in_two);
        model::apply(rest, in_two);
        model::apply(whole, in_one);
        EXPECT_EQ(in_two, in_one);
    }
}

TEST(Pieces, OneStatementIsNamed) {
    auto rest = one_of_each();
    std::vector<std::string> names;
    while (!rest.empty()) {
        names.push_back(describe(take_front(rest, 1)));
    }
    EXPECT_THAT(names, testing::ElementsAre(
                           "identity shop/front", "address 10.1.0.1", "route 10.96.0.1:80/TCP",
                           "edge shop/front -> shop/back", "attachment of pod shop/front-1",
                           "revocation of edge shop/back -> shop/front",
                           "detachment of pod shop/back-1", "removal of route 10.96.0.9:80/TCP",
                           "removal of address 10.1.0.9", "removal of identity shop/gone"));
    EXPECT_EQ(describe(one_of_each()), "10 rules");
}

TEST(Pieces, EveryStatementButTheBadOnesIsApplied) {
    for (std::size_t bad = 0; bad < 10; ++bad) {
        auto rest = one_of_each();
        take_front(rest, bad);
        const auto culprit = take_front(rest, 1);
        const auto bad_name = describe(culprit);
        std::vector<std::string> applied;
        const auto errors = apply_in_pieces(
            one_of_each(),
            [&](const model::RuleDelta& piece) -> util::Result<void> {
                auto left = piece;
                std::vector<std::string> names;
                while (!left.empty()) {
                    names.push_back(describe(take_front(left, 1)));
                    if (names.back() == bad_name) {
                        return util::fail("full");
                    }
                }
                applied.insert(applied.end(), names.begin(), names.end());
                return {};
            },
            32);
        ASSERT_EQ(errors.size(), 1U);
        EXPECT_EQ(errors[0].text(), bad_name + ": full");
        EXPECT_EQ(applied.size(), 9U) << "without " << bad_name;
        if (bad_name != "revocation of edge shop/back -> shop/front") {
            EXPECT_EQ(applied[0], "revocation of edge shop/back -> shop/front");
        }
    }
}

TEST(Pieces, ADeadBackendIsNotAskedForEver) {
    model::RuleDelta delta;
    for (int i = 0; i < 250; ++i) {
        delta.addresses[ip("10.1.0." + std::to_string(i))] = function("front");
    }
    int asked = 0;
    const auto errors = apply_in_pieces(
        delta,
        [&asked](const auto&) -> util::Result<void> {
            ++asked;
            return util::fail("gone");
        },
        4);
    EXPECT_EQ(errors.size(), 4U);
    EXPECT_LT(asked, 30);
}

}  // namespace
}  // namespace directfaas::sync
