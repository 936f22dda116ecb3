// SPDX-License-Identifier: Apache-2.0
// Which troubles are told, when, and how often; by a clock that the test moves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "agent/cluster_events/limits_watch.h"
#include "agent/cluster_events/teller.h"

namespace directfaas::cluster_events {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const Regarding kPod{"v1", "Pod", "shop", "back-0", "u1"};
const Regarding kNode{"v1", "Node", "", "n1", "n1"};

Trouble trouble(const std::string& note, Regarding regarding = kPod) {
    return {std::move(regarding), "NotEnforced", "Attach", note, seconds{30}, "Enforced", "fine"};
}

class TellerTest : public testing::Test {
   protected:
    /// What is told by a look after `time` more.
    std::vector<std::string> look(seconds time, std::vector<Trouble> troubles) {
        now_ += time;
        teller_.look(std::move(troubles), [this](const Regarding&) { return exists_; }, now_);
        return std::exchange(told_, {});
    }
    std::vector<std::string> happened(seconds time, const std::string& note,
                                      std::uint64_t times = 1) {
        now_ += time;
        teller_.happened({kNode, "LimitReached", "Enforce", note}, times, now_);
        return std::exchange(told_, {});
    }

    bool exists_ = true;
    std::vector<std::string> told_;
    kube::Event last_;
    Clock::time_point now_{std::chrono::hours{1}};
    Teller teller_{[this](kube::Event event) {
        told_.push_back(event.reason + ": " + event.note);
        last_ = std::move(event);
    }};
};

TEST_F(TellerTest, ATroubleIsToldOnceWhenItHasStood) {
    EXPECT_THAT(look(seconds{0}, {trouble("why")}), IsEmpty());
    EXPECT_THAT(look(seconds{29}, {trouble("why")}), IsEmpty());
    EXPECT_THAT(look(seconds{1}, {trouble("why")}), ElementsAre("NotEnforced: why"));
    EXPECT_EQ(last_, (kube::Event{"v1", "Pod", "shop", "back-0", "u1", kube::Event::Type::kWarning,
                                  "NotEnforced", "Attach", "why"}));
    for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(look(seconds{1}, {trouble("why")}), IsEmpty());
    }
}

TEST_F(TellerTest, OneThatIsOverBeforeIsNotTold) {
    EXPECT_THAT(look(seconds{0}, {trouble("why")}), IsEmpty());
    EXPECT_THAT(look(seconds{29}, {}), IsEmpty());
    EXPECT_THAT(look(seconds{1}, {trouble("why")}), IsEmpty()) << "it began anew";
}

TEST_F(TellerTest, TheEndIsToldOfWhatWasToldAndIsThere) {
    look(seconds{0}, {trouble("why")});
    look(seconds{30}, {trouble("why")});
    EXPECT_THAT(look(seconds{1}, {}), ElementsAre("Enforced: fine"));
    EXPECT_EQ(last_.type, kube::Event::Type::kNormal);
    EXPECT_THAT(look(seconds{1}, {}), IsEmpty());

    look(seconds{0}, {trouble("why")});
    look(seconds{30}, {trouble("why")});
    exists_ = false;
    EXPECT_THAT(look(seconds{1}, {}), IsEmpty()) << "the pod went with its trouble";
}

TEST_F(TellerTest, WhatStandsIsToldAgainBeforeTheApiserverForgetsIt) {
    look(seconds{0}, {trouble("why")});
    look(seconds{30}, {trouble("why")});
    EXPECT_THAT(look(seconds{3299}, {trouble("why")}), IsEmpty());
    EXPECT_THAT(look(seconds{1}, {trouble("why")}), ElementsAre("NotEnforced: why"));
}

TEST_F(TellerTest, AnotherNoteIsToldAfterAPause) {
    look(seconds{0}, {trouble("why")});
    look(seconds{30}, {trouble("why")});
    EXPECT_THAT(look(seconds{299}, {trouble("another")}), IsEmpty());
    EXPECT_THAT(look(seconds{1}, {trouble("another")}), ElementsAre("NotEnforced: another"));
}

TEST_F(TellerTest, ObjectsAreToldApart) {
    auto other = kPod;
    other.uid = "u2";
    look(seconds{0}, {trouble("one"), trouble("two", other), trouble("three", kNode)});
    EXPECT_THAT(look(seconds{30}, {trouble("one"), trouble("two", other), trouble("three", kNode)}),
                testing::UnorderedElementsAre("NotEnforced: one", "NotEnforced: two",
                                              "NotEnforced: three"));
}

TEST_F(TellerTest, WhatHappensOftenIsToldWithItsCount) {
    EXPECT_THAT(happened(seconds{0}, "full"), ElementsAre("LimitReached: full"));
    EXPECT_THAT(happened(seconds{1}, "full", 41), IsEmpty());
    EXPECT_THAT(happened(seconds{1}, "fuller"), IsEmpty());
    EXPECT_THAT(look(seconds{297}, {}), IsEmpty());
    EXPECT_THAT(look(seconds{1}, {}), ElementsAre("LimitReached: fuller (42 times)"));
    EXPECT_THAT(look(seconds{1000}, {}), IsEmpty());
    EXPECT_THAT(happened(seconds{0}, "full", 3), ElementsAre("LimitReached: full (3 times)"));
}

TEST_F(TellerTest, WhatIsFollowedIsBounded) {
    Teller teller([this](kube::Event event) { told_.push_back(event.name); }, {.max = 2});
    std::vector<Trouble> many;
    for (const auto* name : {"a", "b", "c", "d"}) {
        auto pod = kPod;
        pod.name = name;
        many.push_back(trouble("why", pod));
    }
    const auto nobody = [](const Regarding&) { return false; };
    teller.look(many, nobody, now_);
    teller.look(many, nobody, now_ + seconds{30});
    EXPECT_THAT(told_, ElementsAre("a", "b"));
}

TEST(Limits, AreWhatIsNearlyFullAndWhatWasRefusedSince) {
    backend::Counters counters;
    counters.tables = {{"ct", 899, 1000, 0},
                       {"vip", 900, 1000, 0},
                       {"events", 0, 0, 0},
                       {"affinity", 16384, 16384, 0}};
    counters.drops = {{DF_REASON_CT_BUDGET, DF_HOOK_FROM_POD, 7, 0},
                      {DF_REASON_CT_BUDGET, DF_HOOK_TO_POD, 1, 0},
                      {DF_REASON_NO_EDGE, DF_HOOK_FROM_POD, 9, 0}};
    std::map<df_reason, std::uint64_t> before;
    const auto first = limits_in(counters, before);
    ASSERT_EQ(first.full.size(), 1U);
    EXPECT_EQ(first.full[0].name, "vip");
    EXPECT_THAT(first.refused_more, IsEmpty()) << "those are of before";

    counters.drops[0].packets += 3;
    counters.drops[1].packets += 2;
    counters.drops[2].packets += 5;
    EXPECT_THAT(limits_in(counters, before).refused_more,
                ElementsAre(testing::Pair(DF_REASON_CT_BUDGET, 5U)));
    EXPECT_THAT(limits_in(counters, before).refused_more, IsEmpty());
    counters.drops[0].packets = 0;
    EXPECT_THAT(limits_in(counters, before).refused_more, IsEmpty()) << "counted anew";
}

}  // namespace
}  // namespace directfaas::cluster_events
