// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/offers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

namespace directfaas::manifest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// Takes pods and holds to two laws: a pod stands in one origin only, and a pod labelled
/// needs=x stands only while pod x does. Blames the origin that breaks one.
class Shelf {
   public:
    std::vector<model::Problem> take(std::vector<model::OriginContent> contents) {
        ++calls;
        auto next = pods_;
        for (auto& content : contents) {
            next[content.origin] = std::move(content.objects);
        }
        auto problems = broken(next);
        if (problems.empty()) {
            pods_ = std::move(next);
        }
        return problems;
    }

    [[nodiscard]] std::vector<std::string> pods() const {
        std::vector<std::string> all;
        for (const auto& [origin, objects] : pods_) {
            for (const auto& object : objects) {
                all.push_back(fmt::format("{}:{}", origin, std::get<model::Pod>(object).name.name));
            }
        }
        return all;
    }

    int calls = 0;

   private:
    using Pods = std::map<std::string, std::vector<model::Object>>;

    static std::vector<model::Problem> broken(const Pods& pods) {
        std::set<std::string> names;
        std::vector<model::Problem> problems;
        const auto blame = [&](const std::string& origin, const std::string& message) {
            model::Problem problem;
            problem.where.file = origin;
            problem.message = message;
            problems.push_back(problem);
        };
        for (const auto& [origin, objects] : pods) {
            for (const auto& object : objects) {
                const auto& name = std::get<model::Pod>(object).name.name;
                if (!names.insert(name).second) {
                    blame(origin, name + " twice");
                }
            }
        }
        for (const auto& [origin, objects] : pods) {
            for (const auto& object : objects) {
                for (const auto& [key, needed] : std::get<model::Pod>(object).labels) {
                    if (!names.contains(needed)) {
                        blame(origin, needed + " missing");
                    }
                }
            }
        }
        return problems;
    }

    Pods pods_;
};

class OffersTest : public testing::Test {
   protected:
    static model::Object pod(const std::string& name, const std::string& needs = {}) {
        model::Pod pod;
        pod.name = {.ns = "default", .name = name};
        if (!needs.empty()) {
            pod.labels["needs"] = needs;
        }
        return pod;
    }

    std::vector<std::string> settle() {
        return offers_.settle([this](std::vector<model::OriginContent> contents) {
            return shelf_.take(std::move(contents));
        });
    }

    std::vector<std::string> problems(const std::string& origin) {
        std::vector<std::string> messages;
        for (const auto& problem : offers_.problems(origin)) {
            messages.push_back(problem.message);
        }
        return messages;
    }

    Shelf shelf_;
    Offers offers_;
};

TEST_F(OffersTest, OneOriginIsOfferedOnce) {
    offers_.put("a", {pod("x")});
    EXPECT_THAT(settle(), ElementsAre("a"));
    EXPECT_EQ(shelf_.calls, 1);
    EXPECT_THAT(settle(), IsEmpty());
    EXPECT_EQ(shelf_.calls, 1);
}

TEST_F(OffersTest, ManyAreTakenTogether) {
    offers_.put("a", {pod("x", "y")});
    offers_.put("b", {pod("y", "x")});
    EXPECT_THAT(settle(), UnorderedElementsAre("a", "b"));
    EXPECT_EQ(shelf_.calls, 1);
}

TEST_F(OffersTest, ObjectsMayMoveAndChangePlaces) {
    offers_.put("a", {pod("x")});
    offers_.put("b", {pod("y")});
    settle();
    offers_.put("a", {pod("y")});
    offers_.put("b", {pod("x")});
    EXPECT_THAT(settle(), UnorderedElementsAre("a", "b"));
    EXPECT_THAT(shelf_.pods(), ElementsAre("a:y", "b:x"));
    offers_.put("a", {});
    offers_.put("c", {pod("y")});
    EXPECT_THAT(settle(), UnorderedElementsAre("a", "c"));
    EXPECT_THAT(shelf_.pods(), ElementsAre("b:x", "c:y"));
}

TEST_F(OffersTest, WhoIsToBlameDoesNotHoldUpTheOthers) {
    offers_.put("a", {pod("x")});
    offers_.put("b", {pod("x")});
    offers_.put("c", {pod("z", "none")});
    offers_.put("d", {pod("v", "w")});
    offers_.put("e", {pod("w", "v")});
    EXPECT_THAT(settle(), UnorderedElementsAre("a", "d", "e"));
    EXPECT_THAT(problems("b"), ElementsAre("x twice"));
    EXPECT_THAT(problems("c"), ElementsAre("none missing"));
    EXPECT_TRUE(offers_.refused("b"));
    EXPECT_FALSE(offers_.refused("a"));
}

TEST_F(OffersTest, TheRefusedComeLaterWithWhatTheyNeed) {
    offers_.put("a", {pod("x", "y")});
    EXPECT_THAT(settle(), IsEmpty());
    EXPECT_THAT(problems("a"), ElementsAre("y missing"));
    // b needs a, too: only together they can be taken.
    offers_.put("b", {pod("y", "x")});
    EXPECT_THAT(settle(), UnorderedElementsAre("a", "b"));
    EXPECT_THAT(problems("a"), IsEmpty());
}

TEST_F(OffersTest, ChainsOfNeedsAreFollowed) {
    offers_.put("a", {pod("1", "2")});
    settle();
    offers_.put("b", {pod("2", "3")});
    settle();
    offers_.put("c", {pod("3")});
    EXPECT_THAT(settle(), UnorderedElementsAre("a", "b", "c"));
}

TEST_F(OffersTest, RenewedOnesAreOfferedTogetherWithNewOnes) {
    offers_.put("a", {pod("x")});
    settle();
    offers_.put("b", {pod("x")});
    EXPECT_THAT(settle(), IsEmpty());
    offers_.put("a", {});
    offers_.renew();
    shelf_.calls = 0;
    EXPECT_THAT(settle(), UnorderedElementsAre("a", "b"));
    EXPECT_EQ(shelf_.calls, 1);
}

TEST_F(OffersTest, NewestOfferCountsAndDroppedOnesDoNot) {
    offers_.put("a", {pod("x", "none")});
    settle();
    offers_.put("a", {pod("y")});
    EXPECT_THAT(settle(), ElementsAre("a"));
    EXPECT_THAT(shelf_.pods(), ElementsAre("a:y"));
    offers_.put("b", {pod("x", "none")});
    settle();
    offers_.drop("b");
    EXPECT_FALSE(offers_.refused("b"));
    EXPECT_THAT(settle(), IsEmpty());
}

TEST_F(OffersTest, ARefusedOneDoesNotDelayAFreshOne) {
    offers_.put("a", {pod("x", "none")});
    settle();
    offers_.put("z", {pod("y")});
    shelf_.calls = 0;
    std::vector<int> taken_at;
    offers_.settle([&](std::vector<model::OriginContent> contents) {
        const bool fresh = contents.size() == 1 && contents[0].origin == "z";
        auto problems = shelf_.take(std::move(contents));
        if (fresh && problems.empty()) {
            taken_at.push_back(shelf_.calls);
        }
        return problems;
    });
    EXPECT_THAT(taken_at, ElementsAre(1));
}

}  // namespace
}  // namespace directfaas::manifest
