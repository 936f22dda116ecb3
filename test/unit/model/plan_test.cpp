// SPDX-License-Identifier: Apache-2.0
// Differences of rule sets: minimal, complete, and they add up.
#include <gtest/gtest.h>

#include <array>

#include "lib/model/rules.h"
#include "test/unit/model/random_rules.h"

namespace directfaas::model {
namespace {

using test::random_rules;

constexpr int kRounds = 2000;
constexpr std::array<double, 4> kDensities{0.0, 0.2, 0.5, 0.9};

class PlanTest : public testing::Test {
   protected:
    RuleSet any() { return random_rules(random_, kDensities[round_++ % kDensities.size()]); }

    std::mt19937 random_{20241124};
    std::size_t round_ = 0;
};

const Identity kReviews{IdentityKind::kFunction, {"shop", "reviews"}};
const Identity kRatings{IdentityKind::kFunction, {"shop", "ratings"}};

TEST_F(PlanTest, AppliedToItsStartGivesItsEnd) {
    for (int i = 0; i < kRounds; ++i) {
        const RuleSet from = any();
        const RuleSet to = any();
        RuleSet rules = from;
        apply(plan(from, to), rules);
        ASSERT_EQ(rules, to) << "round " << i;
    }
}

TEST_F(PlanTest, OfEqualSetsIsEmpty) {
    for (int i = 0; i < kRounds; ++i) {
        const RuleSet rules = any();
        ASSERT_TRUE(plan(rules, rules).empty()) << "round " << i;
        ASSERT_EQ(plan(rules, rules), RuleDelta{}) << "round " << i;
    }
}

TEST_F(PlanTest, OfDifferentSetsIsNot) {
    for (int i = 0; i < kRounds; ++i) {
        const RuleSet from = any();
        const RuleSet to = any();
        ASSERT_EQ(plan(from, to).empty(), from == to) << "round " << i;
    }
}

TEST_F(PlanTest, MergedDeltasEqualTheSequence) {
    for (int i = 0; i < kRounds; ++i) {
        const RuleSet first = any();
        const RuleSet second = any();
        const RuleSet third = any();
        RuleDelta merged = plan(first, second);
        merge(merged, plan(second, third));
        RuleSet rules = first;
        apply(merged, rules);
        ASSERT_EQ(rules, third) << "round " << i;
    }
}

TEST_F(PlanTest, MergeHoldsForDeltasOfForeignSetsToo) {
    // What was read back from a kernel need not be what a delta was made for.
    for (int i = 0; i < kRounds; ++i) {
        const RuleDelta one = plan(any(), any());
        const RuleDelta two = plan(any(), any());
        RuleSet in_turn = any();
        RuleSet at_once = in_turn;
        apply(one, in_turn);
        apply(two, in_turn);
        RuleDelta merged = one;
        merge(merged, two);
        apply(merged, at_once);
        ASSERT_EQ(at_once, in_turn) << "round " << i;
    }
}

TEST_F(PlanTest, NamesOnlyWhatDiffers) {
    RuleSet from;
    from.identities[kReviews] = {};
    from.identities[kRatings] = {};
    from.allowed = {{kReviews, kRatings}};
    RuleSet to = from;
    to.identities[kRatings].enforcement = Enforcement::kAudit;

    RuleDelta expected;
    expected.identities[kRatings] = to.identities[kRatings];
    EXPECT_EQ(plan(from, to), expected);
}

TEST_F(PlanTest, RevokesAnEdgeThatIsGone) {
    RuleSet from;
    from.allowed = {{kReviews, kRatings}};
    RuleDelta expected;
    expected.revoked = from.allowed;
    EXPECT_EQ(plan(from, {}), expected);
    EXPECT_FALSE(expected.empty());
}

TEST_F(PlanTest, AnObjectThatLeavesAndComesBackInOneTurnCausesNoRemoval) {
    RuleSet rules;
    rules.allowed = {{kReviews, kRatings}};
    rules.identities[kReviews] = {};
    RuleDelta delta = plan(rules, {});
    merge(delta, plan({}, rules));
    EXPECT_TRUE(delta.revoked.empty());
    EXPECT_TRUE(delta.identities_removed.empty());
}

}  // namespace
}  // namespace directfaas::model
