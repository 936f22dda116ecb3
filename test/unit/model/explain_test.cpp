// SPDX-License-Identifier: Apache-2.0
// `dfctl explain`: which statement allows a call, or which line to add where.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ExplainTest : public ModelTest {
   protected:
    void SetUp() override { load_bookinfo(); }
    Problem cannot(const std::string& from, const std::string& to) const {
        const auto explained = model_.explain(from, to, std::nullopt);
        EXPECT_FALSE(explained.has_value());
        return explained ? Problem{} : explained.error();
    }
};

TEST_F(ExplainTest, AnEdgeIsQuoted) {
    const auto call = explain("productpage", "shop/reviews");
    EXPECT_TRUE(call.allowed);
    EXPECT_EQ(call.from, function("productpage"));
    EXPECT_EQ(call.to, function("reviews"));
    EXPECT_EQ(call.enforcement, Enforcement::kEnforce);
    EXPECT_EQ(call.because, at(21));
    EXPECT_EQ(call.reason,
              "edge productpage → reviews of FunctionChain shop/bookinfo (bookinfo.yaml:21) "
              "allows it");
    EXPECT_THAT(call.advice, IsEmpty());
    EXPECT_THAT(call.routes, ElementsAre(tcp("10.96.0.3")));
}

TEST_F(ExplainTest, AMissingEdgeIsNamedWithTheLineToAddAndWhere) {
    const auto call = explain("productpage", "ratings");
    EXPECT_FALSE(call.allowed);
    EXPECT_EQ(call.because, std::nullopt);
    EXPECT_EQ(call.reason, "no edge allows shop/productpage → shop/ratings");
    EXPECT_EQ(call.advice,
              "Add \"- {from: productpage, to: ratings}\" to edges[] of FunctionChain "
              "shop/bookinfo after bookinfo.yaml:22");
    EXPECT_THAT(call.routes, ElementsAre(tcp("10.96.0.4")));
}

TEST_F(ExplainTest, TheLineMayGoIntoAnyChainThatHasBoth) {
    put("more.yaml", {chain("more", {"productpage2", "ratings2"}, {})});
    put("half.yaml", {chain("half", {"ratings2"}, {})});
    EXPECT_THAT(explain("productpage2", "ratings2").advice,
                AllOf(HasSubstr("FunctionChain shop/more at more.yaml:1"),
                      testing::Not(HasSubstr("shop/half"))));
    EXPECT_THAT(
        explain("productpage", "ratings2").advice,
        AllOf(HasSubstr("shop/bookinfo after bookinfo.yaml:22 or "),
              HasSubstr("shop/half at half.yaml:1"), HasSubstr("shop/more at more.yaml:1")));
}

TEST_F(ExplainTest, AnEdgeBackIsNoAdvice) {
    EXPECT_EQ(explain("ratings", "productpage").advice,
              "An edge ratings → productpage would close a cycle, for productpage leads to "
              "ratings: productpage→reviews→ratings");
}

TEST_F(ExplainTest, OutsideAndEntriesReachIngressFunctions) {
    const auto from_outside = explain("outside", "productpage");
    EXPECT_TRUE(from_outside.allowed);
    EXPECT_EQ(from_outside.because, at(10));
    const auto from_entry = explain("gateway", "productpage");
    EXPECT_TRUE(from_entry.allowed);
    EXPECT_EQ(from_entry.because, at(30));
    EXPECT_THAT(from_entry.reason, HasSubstr("entry gateway"));
}

TEST_F(ExplainTest, OutsideAndEntriesDoNotReachInternalOnes) {
    for (const auto* from : {"outside", "gateway"}) {
        const auto call = explain(from, "ratings");
        EXPECT_FALSE(call.allowed);
        EXPECT_THAT(call.reason, HasSubstr("internal"));
        EXPECT_EQ(call.advice,
                  "Set exposure.type: Ingress on function ratings in FunctionChain shop/bookinfo "
                  "(bookinfo.yaml:13)");
    }
}

TEST_F(ExplainTest, ACallToItself) {
    EXPECT_THAT(explain("ratings", "ratings").advice, HasSubstr("allowSelf: true"));
    auto app = bookinfo_chain();
    declared(app, "ratings").allow_self = true;
    put("bookinfo.yaml", {app});
    EXPECT_TRUE(explain("ratings", "ratings").allowed);
    EXPECT_EQ(explain("ratings", "ratings").because, at(13));
}

TEST_F(ExplainTest, AnotherNamespace) {
    auto other = chain("other", {"caller"}, {});
    other.name.ns = "else";
    put("other.yaml", {other});
    const auto denied = explain("caller", "ratings");
    EXPECT_FALSE(denied.allowed);
    EXPECT_EQ(denied.advice,
              "Add else/caller to exposure.from of function ratings in FunctionChain shop/bookinfo "
              "(bookinfo.yaml:13)");
    auto app = bookinfo_chain();
    declared(app, "ratings").ingress_from = {{"else", "caller"}};
    put("bookinfo.yaml", {app});
    EXPECT_TRUE(explain("caller", "ratings").allowed);
    EXPECT_THAT(explain("caller", "ratings").reason, HasSubstr("names else/caller"));
}

TEST_F(ExplainTest, PortsOfTheService) {
    EXPECT_TRUE(explain("reviews", "ratings", 80).allowed) << "the vIP's port";
    EXPECT_TRUE(explain("reviews", "ratings", 9080).allowed) << "the instance's port";
    EXPECT_THAT(explain("reviews", "ratings", 80).routes, ElementsAre(tcp("10.96.0.4")));
    EXPECT_THAT(explain("reviews", "ratings", 9080).routes, IsEmpty());
}

TEST_F(ExplainTest, APortThatIsNotServed) {
    const auto call = explain("reviews", "ratings", 22);
    EXPECT_FALSE(call.allowed);
    EXPECT_EQ(call.reason, "function shop/ratings does not serve port 22");
    EXPECT_EQ(call.advice,
              "Call port 80 or 9080, or add 22 to openPorts of function ratings in FunctionChain "
              "shop/bookinfo (bookinfo.yaml:13)");
}

TEST_F(ExplainTest, AnOpenPortIsForAnybody) {
    auto app = bookinfo_chain();
    declared(app, "ratings").open_ports = {{22, util::Protocol::kTcp}};
    put("bookinfo.yaml", {app});
    const auto call = explain("outside", "ratings", 22);
    EXPECT_TRUE(call.allowed);
    EXPECT_EQ(call.because, at(13));
    EXPECT_FALSE(explain("outside", "ratings", 80).allowed);
}

TEST_F(ExplainTest, WeakerEnforcementIsSaid) {
    auto app = bookinfo_chain();
    app.enforcement = Enforcement::kAudit;
    put("bookinfo.yaml", {app});
    const auto call = explain("productpage", "ratings");
    EXPECT_FALSE(call.allowed);
    EXPECT_EQ(call.enforcement, Enforcement::kAudit);
    EXPECT_THAT(call.reason, HasSubstr("enforcement is Audit"));
    app.enforcement = Enforcement::kDisabled;
    put("bookinfo.yaml", {app});
    EXPECT_THAT(explain("productpage", "ratings").reason, HasSubstr("enforcement is Disabled"));
}

TEST_F(ExplainTest, CallsToAnEntryAreNotJudged) {
    const auto call = explain("productpage", "gateway");
    EXPECT_TRUE(call.allowed);
    EXPECT_THAT(call.reason, HasSubstr("entry shop/gateway is no function"));
}

TEST_F(ExplainTest, UnknownAndAmbiguousNames) {
    EXPECT_THAT(cannot("productpage", "rating").message, HasSubstr("is called rating"));
    EXPECT_THAT(cannot("else/reviews", "ratings").message, HasSubstr("is called else/reviews"));
    EXPECT_THAT(cannot("reviews", "outside").message, HasSubstr("is called outside"));
    auto other = chain("other", {"ratings"}, {});
    other.name.ns = "else";
    put("other.yaml", {other});
    EXPECT_EQ(cannot("reviews", "ratings").message,
              "ratings is ambiguous: else/ratings, shop/ratings");
    EXPECT_TRUE(explain("reviews", "shop/ratings").allowed);
}

}  // namespace
}  // namespace directfaas::model::test
