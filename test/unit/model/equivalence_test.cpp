// SPDX-License-Identifier: Apache-2.0
// Whatever way a Model came to its state, its rules are those of the state: compared, after each
// of many random changes, with a slow second implementation and with Models that got it otherwise.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "test/unit/model/oracle.h"
#include "test/unit/model/random_world.h"

namespace directfaas::model {
namespace {

constexpr const char* kNode = "node-1";
constexpr unsigned kSeeds = 40;
constexpr int kSteps = 150;

NodeSettings settings() { return {kNode, {*util::IpPrefix::parse("10.245.0.0/16")}}; }

/// A Model that is changed step by step, beside what it accepted.
class EquivalenceTest : public testing::TestWithParam<unsigned> {
   protected:
    void step() {
        if (world_.chance(0.2)) {
            const auto pod = world_.pod_name();
            const auto link = world_.link();
            apply(model_.set_link(pod, link), followed_);
            link ? (void)(links_[pod] = *link) : (void)links_.erase(pod);
            return;
        }
        const auto content = world_.change();
        const auto delta = model_.replace(content.origin, content.objects);
        if (delta) {
            accepted_[content.origin] = content.objects;
            apply(*delta, followed_);
            ++accepted_changes_;
        } else {
            ASSERT_FALSE(delta.error().empty());
            ++refused_changes_;
        }
    }

    std::vector<Object> objects() const {
        std::vector<Object> all;
        for (const auto& [origin, objects] : accepted_) {
            all.insert(all.end(), objects.begin(), objects.end());
        }
        return all;
    }

    void check_others() {
        Model at_once(settings());
        Model in_turn(settings());
        feed_links(at_once);  // before the pods are known
        ASSERT_TRUE(at_once.replace_all(contents()).has_value());
        feed(in_turn);
        feed_links(in_turn);  // after
        for (const auto* other : {&at_once, &in_turn}) {
            ASSERT_EQ(other->rules(), model_.rules());
            ASSERT_EQ(other->warnings(), model_.warnings());
            ASSERT_EQ(other->local_pods(), model_.local_pods());
            ASSERT_EQ(other->allow_sources(), model_.allow_sources());
        }
    }

    std::vector<OriginContent> contents() {
        std::vector<OriginContent> all;
        for (const auto& [origin, objects] : accepted_) {
            all.push_back({origin, objects});
        }
        std::ranges::shuffle(all, world_.random());
        return all;
    }

    /// In any order; again what had to wait for another, and together what waits for each other.
    void feed(Model& model) {
        auto waiting = contents();
        for (std::size_t before = waiting.size() + 1; waiting.size() < before;) {
            before = waiting.size();
            std::erase_if(waiting, [&](const OriginContent& content) {
                return model.replace(content.origin, content.objects).has_value();
            });
        }
        ASSERT_TRUE(model.replace_all(waiting).has_value());
    }

    void feed_links(Model& model) {
        for (const auto& [pod, link] : links_) {
            model.set_link(pod, link);
        }
    }

    test::RandomWorld world_{GetParam()};
    Model model_{settings()};
    RuleSet followed_;
    std::map<std::string, std::vector<Object>> accepted_;
    std::map<ObjectName, Link> links_;
    int accepted_changes_ = 0;
    int refused_changes_ = 0;
};

TEST_P(EquivalenceTest, RulesAreThoseOfTheState) {
    for (int i = 0; i < kSteps; ++i) {
        step();
        ASSERT_EQ(model_.rules(), test::expected_rules(objects(), links_, kNode)) << "step " << i;
        ASSERT_EQ(followed_, model_.rules()) << "step " << i;
        if (i % 15 == 0) {
            check_others();
            ASSERT_FALSE(HasFatalFailure()) << "step " << i;
        }
    }
    // Else the test would say little.
    EXPECT_GT(accepted_changes_, kSteps / 4);
    EXPECT_GT(refused_changes_, 0);
}

TEST_P(EquivalenceTest, NothingIsLeftOfNothing) {
    for (int i = 0; i < kSteps; ++i) {
        step();
    }
    std::vector<OriginContent> all = contents();
    for (auto& content : all) {
        content.objects.clear();
    }
    const auto delta = model_.replace_all(all);
    ASSERT_TRUE(delta.has_value());
    EXPECT_EQ(model_.rules(), RuleSet{});
    EXPECT_TRUE(model_.local_pods().empty());
    EXPECT_TRUE(model_.warnings().empty());
    EXPECT_TRUE(model_.allow_sources().empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, EquivalenceTest, testing::Range(1U, kSeeds + 1));

}  // namespace
}  // namespace directfaas::model
