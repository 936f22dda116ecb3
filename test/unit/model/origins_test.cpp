// SPDX-License-Identifier: Apache-2.0
// Objects come and go with their origin, whole or not at all.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::ElementsAre;

class OriginsTest : public ModelTest {};

TEST_F(OriginsTest, AnEmptyListTakesTheOriginAway) {
    load_bookinfo();
    EXPECT_FALSE(rules().routes.empty());
    put("services.yaml", {});
    EXPECT_TRUE(rules().routes.empty());
    put("bookinfo.yaml", {});
    EXPECT_EQ(rules(), RuleSet{});
}

TEST_F(OriginsTest, SameContentAgainChangesNothing) {
    load_bookinfo();
    EXPECT_TRUE(put("bookinfo.yaml", {bookinfo_chain()}).empty());
    EXPECT_TRUE(put("services.yaml", bookinfo_services()).empty());
}

TEST_F(OriginsTest, AMovedLineChangesNoRuleButIsNamedFromThenOn) {
    load_bookinfo();
    auto moved = bookinfo_chain();
    for (auto& edge : moved.edges) {
        edge.where.line += 100;
    }
    EXPECT_TRUE(put("bookinfo.yaml", {moved}).empty());
    EXPECT_EQ(explain("reviews", "ratings").because, at(122));
}

TEST_F(OriginsTest, OrderOfArrivalDoesNotMatter) {
    load_bookinfo();
    Model other({kNode, {}});
    ASSERT_TRUE(other.replace("services.yaml", bookinfo_services()).has_value());
    ASSERT_TRUE(other.replace("bookinfo.yaml", {bookinfo_chain()}).has_value());
    EXPECT_EQ(other.rules(), rules());
}

TEST_F(OriginsTest, AnObjectTwiceInOneOriginIsRefused) {
    auto second = service("ratings", "10.96.0.9");
    second.where = at(7, "more.yaml");
    EXPECT_THAT(refused("services.yaml", {service("ratings", "10.96.0.4"), second}),
                ElementsAre(error(at(7, "more.yaml"), "Service shop/ratings",
                                  "declared twice, here and at ratings-service.yaml:1", "Remove")));
}

TEST_F(OriginsTest, AnObjectOfAnotherOriginIsRefused) {
    load_bookinfo();
    auto second = service("ratings", "10.96.0.9");
    second.where = at(7, "more.yaml");
    EXPECT_THAT(refused("more.yaml", {second}),
                ElementsAre(error(at(7, "more.yaml"), "Service shop/ratings",
                                  "declared twice, here and at ratings-service.yaml:1")));
}

TEST_F(OriginsTest, EqualNamesOfDifferentKindsAreDifferentObjects) {
    put("all.yaml", {service("ratings", "10.96.0.4"), slice("ratings", {}, "ratings"),
                     pod("ratings", "ratings", {})});
}

TEST_F(OriginsTest, OneBadObjectRefusesAllOfItsOrigin) {
    load_bookinfo();
    auto chain = bookinfo_chain();
    chain.edges.push_back({"ratings", "productpage", at(23)});
    auto services = service("extra", "10.96.0.20");
    EXPECT_EQ(refused("bookinfo.yaml", {chain, services}).size(), 1U);
    // What was refused left nothing behind that could get in the way.
    put("extra.yaml", {services});
}

TEST_F(OriginsTest, AnObjectMayMoveBetweenOriginsInOneGo) {
    load_bookinfo();
    auto rest = bookinfo_services();
    const Object moved = rest.back();
    rest.pop_back();
    auto delta = model_.replace_all({{"services.yaml", rest}, {"ratings.yaml", {moved}}});
    ASSERT_TRUE(delta.has_value());
    EXPECT_TRUE(delta->empty());
    EXPECT_EQ(route("10.96.0.4").endpoints.size(), 1U);
    put("ratings.yaml", {});
    EXPECT_TRUE(route("10.96.0.4").endpoints.empty());
}

TEST_F(OriginsTest, ChainsThatNeedEachOtherAreTakenTogether) {
    const auto first = chain("first", {"a", "b"}, {{"a", "c"}});
    const auto second = chain("second", {"c", "d"}, {{"d", "b"}});
    refused("first.yaml", {first});
    refused("second.yaml", {second});
    const auto delta = model_.replace_all({{"first.yaml", {first}}, {"second.yaml", {second}}});
    ASSERT_TRUE(delta.has_value());
    EXPECT_TRUE(allowed(function("a"), function("c")));
    EXPECT_TRUE(allowed(function("d"), function("b")));
}

TEST_F(OriginsTest, SeveralOriginsAreRefusedTogetherToo) {
    const auto problems = model_.replace_all({{"good.yaml", {service("ratings", "10.96.0.4")}},
                                              {"bad.yaml", {chain("bad", {"a"}, {{"a", "a"}})}}});
    ASSERT_FALSE(problems.has_value());
    EXPECT_EQ(rules(), RuleSet{});
    EXPECT_TRUE(model_.warnings().empty());
    put("good.yaml", {service("ratings", "10.96.0.4")});
}

}  // namespace
}  // namespace directfaas::model::test
