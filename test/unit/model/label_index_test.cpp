// SPDX-License-Identifier: Apache-2.0
// The label index finds what trying every pair would find.
#include "lib/model/label_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>

namespace directfaas::model {
namespace {

class LabelIndexTest : public testing::Test {
   protected:
    struct Owner {
        Identity identity;
        Labels selector;
    };

    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
    Labels labels(int least) {
        Labels labels;
        while (static_cast<int>(labels.size()) < least || below(3) == 0) {
            labels["k" + std::to_string(below(3))] = "v" + std::to_string(below(3));
        }
        return labels;
    }
    std::string ns() { return below(2) == 0 ? "a" : "b"; }

    void change() {
        const bool add = below(2) == 0;
        if (add && below(2) == 0) {
            const ObjectName name{ns(), std::to_string(next_++)};
            auto& pod = pods_.emplace_back();
            pod.name = name;
            pod.labels = labels(0);
            index_.add(pod);
        } else if (add) {
            const ObjectName name{ns(), std::to_string(next_++)};
            owners_.push_back({{IdentityKind::kFunction, name}, labels(1)});
            index_.add(owners_.back().identity, owners_.back().selector);
        } else if (below(2) == 0 && !pods_.empty()) {
            const auto gone = std::next(pods_.begin(), below(static_cast<int>(pods_.size())));
            index_.remove(*gone);
            pods_.erase(gone);
        } else if (!owners_.empty()) {
            const auto gone = std::next(owners_.begin(), below(static_cast<int>(owners_.size())));
            index_.remove(gone->identity, gone->selector);
            owners_.erase(gone);
        }
    }

    std::vector<const Identity*> owners_of(const Pod& pod) const {
        std::vector<const Identity*> found;
        for (const auto& owner : owners_) {
            if (owner.identity.name.ns == pod.name.ns && selects(owner.selector, pod.labels)) {
                found.push_back(&owner.identity);
            }
        }
        std::ranges::sort(found, [](const auto* a, const auto* b) { return *a < *b; });
        return found;
    }

    std::set<const Pod*> pods_of(const Owner& owner) const {
        std::set<const Pod*> found;
        for (const auto& pod : pods_) {
            if (owner.identity.name.ns == pod.name.ns && selects(owner.selector, pod.labels)) {
                found.insert(&pod);
            }
        }
        return found;
    }

    LabelIndex index_;
    std::list<Pod> pods_;  // lists: the index keeps pointers
    std::list<Owner> owners_;
    std::mt19937 random_{7};
    int next_ = 0;
};

TEST_F(LabelIndexTest, FindsWhatTryingEveryPairFinds) {
    std::size_t matches = 0;
    for (int round = 0; round < 2000; ++round) {
        change();
        for (const auto& pod : pods_) {
            const auto owners = index_.owners(pod);
            ASSERT_EQ(owners, owners_of(pod)) << "round " << round;
            matches += owners.size();
        }
        for (const auto& owner : owners_) {
            const auto pods = index_.pods(owner.identity.name.ns, owner.selector);
            ASSERT_EQ(std::set(pods.begin(), pods.end()), pods_of(owner)) << "round " << round;
        }
    }
    EXPECT_GT(matches, 1000U);
}

TEST(Selects, NeedsEveryLabel) {
    const Labels pod{{"app", "reviews"}, {"tier", "web"}};
    EXPECT_TRUE(selects({{"app", "reviews"}}, pod));
    EXPECT_TRUE(selects(pod, pod));
    EXPECT_FALSE(selects({{"app", "ratings"}}, pod));
    EXPECT_FALSE(selects({{"app", "reviews"}, {"zone", "x"}}, pod));
    EXPECT_FALSE(selects(pod, {}));
}

}  // namespace
}  // namespace directfaas::model
