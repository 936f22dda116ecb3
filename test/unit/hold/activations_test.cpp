// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/activations.h"

#include "test/unit/hold/fixture.h"

namespace directfaas::hold {
namespace {

class ActivationsTest : public testing::Test {
   protected:
    void start(const Activations::Options& options) {
        activations = std::make_unique<Activations>(*loop, &activator, options,
                                                    [this](const auto&) { return wanted; });
    }
    bool asked_at_least(std::size_t count) {
        return turn_until(*loop, [&] { return activator.asked.size() >= count; });
    }

    const model::Identity ratings = function("ratings");
    const Activations::Options kLong{std::chrono::minutes(10), std::chrono::minutes(10),
                                     std::chrono::minutes(10)};
    std::unique_ptr<util::EventLoop> loop = std::move(util::EventLoop::create()).value();
    ScriptedActivator activator;
    bool wanted = true;
    std::unique_ptr<Activations> activations;
};

TEST_F(ActivationsTest, OnePerEpisodeHoweverOftenItIsNeeded) {
    start(kLong);
    activations->need(ratings);
    activations->need(ratings);
    activator.answer(ratings, {});
    activations->need(ratings);
    turn_past(*loop, milliseconds(5));
    EXPECT_EQ(activator.asked.size(), 1U);
    EXPECT_EQ(activations->failed(), 0U);
}

TEST_F(ActivationsTest, FailureIsTriedAgainWhileItIsWanted) {
    start({std::chrono::minutes(10), milliseconds(1), milliseconds(4)});
    activations->need(ratings);
    for (std::size_t tries = 1; tries <= 4; ++tries) {
        ASSERT_TRUE(asked_at_least(tries));
        activator.answer(ratings, util::fail("no"));
    }
    EXPECT_EQ(activations->failed(), 4U);
    wanted = false;
    turn_past(*loop, milliseconds(20));
    EXPECT_EQ(activator.asked.size(), 4U);

    activations->need(ratings);  // a new episode
    EXPECT_EQ(activator.asked.size(), 5U);
}

TEST_F(ActivationsTest, PauseGrowsUpToItsLimit) {
    start({std::chrono::minutes(10), milliseconds(4), milliseconds(16)});
    activations->need(ratings);
    const std::vector<milliseconds> pauses{milliseconds(4), milliseconds(8), milliseconds(16),
                                           milliseconds(16)};
    for (std::size_t i = 0; i < pauses.size(); ++i) {
        const auto failed = std::chrono::steady_clock::now();
        activator.answer(ratings, util::fail("no"));
        ASSERT_TRUE(asked_at_least(i + 2));
        EXPECT_GE(std::chrono::steady_clock::now() - failed, pauses[i]);
    }
}

TEST_F(ActivationsTest, StartThatBringsNoInstanceIsMadeAgain) {
    start({milliseconds(5), std::chrono::minutes(10), std::chrono::minutes(10)});
    activations->need(ratings);
    activator.answer(ratings, {});
    EXPECT_TRUE(asked_at_least(2));
}

TEST_F(ActivationsTest, StartThatIsNotAnsweredIsNotMadeAgain) {
    start({milliseconds(1), milliseconds(1), milliseconds(1)});
    activations->need(ratings);
    activations->has_instance(ratings);
    activations->need(ratings);
    turn_past(*loop, milliseconds(20));
    EXPECT_EQ(activator.asked.size(), 1U);
}

TEST_F(ActivationsTest, InstanceEndsTheEpisode) {
    start({std::chrono::minutes(10), milliseconds(5), milliseconds(5)});
    activations->need(ratings);
    activator.answer(ratings, {});
    wanted = false;
    activations->has_instance(ratings);
    turn_past(*loop, milliseconds(10));
    wanted = true;
    activations->need(ratings);
    EXPECT_EQ(activator.asked.size(), 2U);
}

TEST_F(ActivationsTest, InstanceThatCameBeforeTheAnswerEndsTheEpisodeToo) {
    start({std::chrono::minutes(10), milliseconds(5), milliseconds(5)});
    activations->need(ratings);
    wanted = false;
    activations->has_instance(ratings);
    activator.answer(ratings, {});
    turn_past(*loop, milliseconds(10));
    wanted = true;
    activations->need(ratings);
    EXPECT_EQ(activator.asked.size(), 2U);
}

TEST_F(ActivationsTest, InstanceThatDiesAtOnceIsNotReplacedAtOnce) {
    start(kLong);
    activations->need(ratings);
    activator.answer(ratings, {});
    activations->has_instance(ratings);
    activations->need(ratings);
    turn_past(*loop, milliseconds(5));
    EXPECT_EQ(activator.asked.size(), 1U);
}

TEST_F(ActivationsTest, FunctionsHaveEpisodesOfTheirOwn) {
    start(kLong);
    activations->need(ratings);
    activations->need(function("details"));
    EXPECT_EQ(activator.asked, (std::vector{ratings, function("details")}));
    EXPECT_EQ(activations->started(), 2U);
}

}  // namespace
}  // namespace directfaas::hold
