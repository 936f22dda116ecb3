// SPDX-License-Identifier: Apache-2.0
// Who may call whom: edges, entries, ingress, exposure.from, allowSelf, and nobody else.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::Contains;
using testing::Pair;
using testing::UnorderedElementsAre;

class AllowTest : public ModelTest {
   protected:
    /// A chain of namespace `else` with function "caller" and entry "door".
    void put_other_namespace() {
        auto other = chain("other", {"caller"}, {});
        other.name.ns = "else";
        other.entries = {{"door", {{"app", "door"}}, at(30, "other.yaml")}};
        put("other.yaml", {other});
    }
    void put_ratings_with(const std::function<void(ChainFunction&)>& change) {
        auto app = bookinfo_chain();
        change(declared(app, "ratings"));
        put("bookinfo.yaml", {app});
    }
};

TEST_F(AllowTest, BookinfoAllowsItsEdgesAndItsFrontDoor) {
    load_bookinfo();
    EXPECT_THAT(rules().allowed,
                UnorderedElementsAre(AllowKey{function("productpage"), function("details")},
                                     AllowKey{function("productpage"), function("reviews")},
                                     AllowKey{function("reviews"), function("ratings")},
                                     AllowKey{outside(), function("productpage")},
                                     AllowKey{entry("gateway"), function("productpage")}));
}

TEST_F(AllowTest, ARemovedEdgeIsRevokedAndNothingElse) {
    load_bookinfo();
    auto app = bookinfo_chain();
    app.edges.pop_back();
    RuleDelta expected;
    expected.revoked = {{function("reviews"), function("ratings")}};
    EXPECT_EQ(put("bookinfo.yaml", {app}), expected);
}

TEST_F(AllowTest, AFunctionThatGoesTakesItsEdgesAlong) {
    load_bookinfo();
    auto app = chain("bookinfo", {"productpage", "details", "reviews"},
                     {{"productpage", "details"}, {"productpage", "reviews"}});
    const auto delta = put("bookinfo.yaml", {app});
    EXPECT_THAT(delta.revoked, Contains(AllowKey{function("reviews"), function("ratings")}));
    EXPECT_THAT(delta.identities_removed,
                UnorderedElementsAre(function("ratings"), entry("gateway")));
    EXPECT_THAT(delta.routes_removed, UnorderedElementsAre(tcp("10.96.0.4")));
    EXPECT_THAT(delta.addresses_removed, UnorderedElementsAre(ip("10.244.1.4")));
}

TEST_F(AllowTest, EntriesMayCallEveryIngressFunction) {
    put_ratings_with([](auto& f) { f.ingress = true; });
    EXPECT_TRUE(allowed(entry("gateway"), function("ratings")));
    EXPECT_TRUE(allowed(outside(), function("ratings")));
    auto app = bookinfo_chain();
    app.entries.push_back({"cron", {{"app", "cron"}}, at(31)});
    put("bookinfo.yaml", {app});
    EXPECT_TRUE(allowed(entry("cron"), function("productpage")));
    EXPECT_FALSE(allowed(entry("gateway"), function("ratings")));
    EXPECT_FALSE(allowed(entry("cron"), function("ratings")));
}

TEST_F(AllowTest, EntriesOfAnotherNamespaceMayNot) {
    load_bookinfo();
    put_other_namespace();
    EXPECT_FALSE(allowed(entry("door", "else"), function("productpage")));
    EXPECT_FALSE(allowed(function("caller", "else"), function("productpage")));
}

TEST_F(AllowTest, ExposureFromLetsOtherNamespacesIn) {
    put_ratings_with([](auto& f) {
        f.ingress = true;
        f.ingress_from = {{"else", "caller"}, {"else", "door"}};
    });
    EXPECT_FALSE(allowed(function("caller", "else"), function("ratings"))) << "there is none yet";
    put_other_namespace();
    EXPECT_TRUE(allowed(function("caller", "else"), function("ratings")));
    EXPECT_TRUE(allowed(entry("door", "else"), function("ratings")));
    EXPECT_FALSE(allowed(function("caller", "else"), function("details")));
    put("other.yaml", {});
    EXPECT_FALSE(allowed(function("caller", "else"), function("ratings")));
    EXPECT_FALSE(allowed(entry("door", "else"), function("ratings")));
}

TEST_F(AllowTest, AllowSelf) {
    load_bookinfo();
    EXPECT_FALSE(allowed(function("ratings"), function("ratings")));
    put_ratings_with([](auto& f) { f.allow_self = true; });
    EXPECT_TRUE(allowed(function("ratings"), function("ratings")));
}

TEST_F(AllowTest, DeclaredPortsAndExposureOfAFunction) {
    put_ratings_with([](auto& f) { f.open_ports = {{9102, util::Protocol::kUdp}}; });
    const auto& ratings = rules().identities.at(function("ratings"));
    EXPECT_THAT(ratings.open, UnorderedElementsAre(PortProtocol{9102, util::Protocol::kUdp}));
    EXPECT_FALSE(ratings.ingress);
    EXPECT_TRUE(rules().identities.at(function("productpage")).ingress);
    EXPECT_EQ(rules().identities.at(entry("gateway")), IdentityRule{});
}

TEST_F(AllowTest, SourcesNameTheStatementOfEachAllowedCall) {
    auto app = bookinfo_chain();
    declared(app, "productpage").ingress_from = {{"else", "caller"}};
    declared(app, "ratings").allow_self = true;
    put("bookinfo.yaml", {app});
    put_other_namespace();
    EXPECT_THAT(model_.allow_sources(),
                UnorderedElementsAre(
                    Pair(AllowKey{function("productpage"), function("details")}, at(20)),
                    Pair(AllowKey{function("productpage"), function("reviews")}, at(21)),
                    Pair(AllowKey{function("reviews"), function("ratings")}, at(22)),
                    Pair(AllowKey{outside(), function("productpage")}, at(10)),
                    Pair(AllowKey{entry("gateway"), function("productpage")}, at(30)),
                    Pair(AllowKey{function("caller", "else"), function("productpage")}, at(10)),
                    Pair(AllowKey{function("ratings"), function("ratings")}, at(13))));
}

}  // namespace
}  // namespace directfaas::model::test
