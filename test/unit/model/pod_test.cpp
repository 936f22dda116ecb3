// SPDX-License-Identifier: Apache-2.0
// Which pod is whom, where it is attached, and whose an address is.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

class PodTest : public ModelTest {
   protected:
    void SetUp() override { load_bookinfo(); }
    const AttachRule* attachment(const std::string& pod) const {
        const auto found = rules().attachments.find({"shop", pod});
        return found == rules().attachments.end() ? nullptr : &found->second;
    }
    void put_pod(const Pod& pod) { put(pod.name.name, {pod}); }
};

TEST_F(PodTest, ALocalPodIsAttachedOnceItsLinkIsKnown) {
    put_pod(pod("reviews-1", "reviews", {"fd44::3", "10.244.1.3"}));
    EXPECT_EQ(attachment("reviews-1"), nullptr);
    link("reviews-1", Link{7, false});
    ASSERT_NE(attachment("reviews-1"), nullptr);
    EXPECT_EQ(*attachment("reviews-1"),
              (AttachRule{function("reviews"), 7, {ip("10.244.1.3"), ip("fd44::3")}, false}));
    EXPECT_EQ(route("10.96.0.3").endpoints.at(0).ifindex, 7U);
    link("reviews-1", std::nullopt);
    EXPECT_EQ(attachment("reviews-1"), nullptr);
    EXPECT_EQ(route("10.96.0.3").endpoints.at(0).ifindex, 0U);
}

TEST_F(PodTest, APolicyThatSelectsAPodKeepsItOffTheFastPath) {
    using Operator = LabelRequirement::Operator;
    put_pod(pod("reviews-1", "reviews", {"10.244.1.3"}));
    link("reviews-1", Link{7});
    const auto selects = [&](Labels labels, std::vector<LabelRequirement> expressions) {
        put("policy",
            {NetworkPolicy{{"shop", "p"}, std::move(labels), std::move(expressions), {}}});
        return !attachment("reviews-1")->fast_path;
    };
    EXPECT_TRUE(attachment("reviews-1")->fast_path);
    EXPECT_TRUE(selects({}, {}));
    EXPECT_TRUE(selects({{"app", "reviews"}}, {}));
    EXPECT_FALSE(selects({{"app", "ratings"}}, {}));
    EXPECT_FALSE(selects({{"app", "reviews"}, {"tier", "x"}}, {}));
    EXPECT_TRUE(selects({}, {{"app", Operator::kIn, {"ratings", "reviews"}}}));
    EXPECT_FALSE(selects({}, {{"app", Operator::kNotIn, {"ratings", "reviews"}}}));
    EXPECT_TRUE(selects({}, {{"tier", Operator::kNotIn, {"x"}}}));
    EXPECT_TRUE(selects({}, {{"app", Operator::kExists, {}}}));
    EXPECT_FALSE(selects({}, {{"app", Operator::kDoesNotExist, {}}}));
    EXPECT_FALSE(selects({}, {{"tier", Operator::kExists, {}}}));
    put("policy", {NetworkPolicy{{"other", "p"}, {}, {}, {}}});
    EXPECT_TRUE(attachment("reviews-1")->fast_path);
    put("policy", {});
    EXPECT_TRUE(attachment("reviews-1")->fast_path);
}

TEST_F(PodTest, ALinkMayBeKnownBeforeThePod) {
    EXPECT_TRUE(link("reviews-1", Link{7}).empty());
    put_pod(pod("reviews-1", "reviews", {"10.244.1.3"}));
    ASSERT_NE(attachment("reviews-1"), nullptr);
    put("reviews-1", {});
    EXPECT_EQ(attachment("reviews-1"), nullptr);
}

TEST_F(PodTest, ToldAddressesDoWhileTheObjectHasNoneAndGoBeforeOldOnes) {
    const Link told{7, false, {ip("10.244.1.33")}};
    link("reviews-1", told);
    EXPECT_FALSE(
        rules().addresses.contains(ip("10.244.1.33")));  // nobody's, until the object comes
    put_pod(pod("reviews-1", "reviews", {}));
    ASSERT_NE(attachment("reviews-1"), nullptr);
    EXPECT_EQ(attachment("reviews-1")->addresses, told.told_addresses);
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.33")), function("reviews"));
    EXPECT_EQ(model_.link({"shop", "reviews-1"}), told);
    put_pod(pod("reviews-1", "reviews", {"10.244.1.38"}));  // of the pod that had the name before
    EXPECT_EQ(attachment("reviews-1")->addresses, told.told_addresses);
    link("reviews-1", std::nullopt);
    EXPECT_FALSE(rules().addresses.contains(ip("10.244.1.33")));
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.38")), function("reviews"));
}

TEST_F(PodTest, OnlyAPodThatMayBeInAChainIsUnknown) {
    const ObjectName name{"shop", "reviews-1"};
    EXPECT_EQ(model_.pod_kind(name), PodKind::kUnknown);
    EXPECT_EQ(model_.pod_kind({"no-chain-here", "x"}), PodKind::kNotInChain);
    put_pod(pod("reviews-1", "reviews", {}));
    EXPECT_EQ(model_.pod_kind(name), PodKind::kInChain);
    put_pod(pod("reviews-1", "something-else", {}));
    EXPECT_EQ(model_.pod_kind(name), PodKind::kNotInChain);
}

TEST_F(PodTest, AnEntrysPodIsAttachedToo) {
    put_pod(pod("gateway-1", "gateway", {"10.244.1.9"}));
    link("gateway-1", Link{9});
    EXPECT_EQ(attachment("gateway-1")->identity, entry("gateway"));
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.9")), entry("gateway"));
}

TEST_F(PodTest, WithoutAddressNotYet) {
    put_pod(pod("reviews-1", "reviews", {}));
    link("reviews-1", Link{7});
    EXPECT_EQ(attachment("reviews-1"), nullptr);
    EXPECT_THAT(model_.local_pods(), ElementsAre(LocalPod{{"shop", "reviews-1"}, {}, ""}));
    put_pod(pod("reviews-1", "reviews", {"10.244.1.3"}));
    EXPECT_NE(attachment("reviews-1"), nullptr);
}

TEST_F(PodTest, PodsOfOtherNodesAreKnownButNotAttached) {
    auto remote = pod("reviews-2", "reviews", {"10.244.2.3"});
    remote.node = "node-2";
    put_pod(remote);
    link("reviews-2", Link{8});
    EXPECT_EQ(attachment("reviews-2"), nullptr);
    EXPECT_EQ(rules().addresses.at(ip("10.244.2.3")), function("reviews"));
    EXPECT_THAT(model_.local_pods(), IsEmpty());
    remote.node = kNode;
    put_pod(remote);
    EXPECT_NE(attachment("reviews-2"), nullptr);
}

TEST_F(PodTest, DisabledEnforcementKeepsPodsAttached) {
    put_pod(pod("reviews-1", "reviews", {"10.244.1.3"}));
    link("reviews-1", Link{7});
    auto app = bookinfo_chain();
    app.enforcement = Enforcement::kDisabled;
    put("bookinfo.yaml", {app});
    EXPECT_NE(attachment("reviews-1"), nullptr);
}

TEST_F(PodTest, PodsOfNoFunctionAreNot) {
    put_pod(pod("stray", "none", {"10.244.1.50"}));
    auto elsewhere = pod("reviews-1", "reviews", {"10.244.1.51"});
    elsewhere.name.ns = "else";
    put_pod(elsewhere);
    link("stray", Link{7});
    EXPECT_THAT(rules().attachments, IsEmpty());
    EXPECT_THAT(rules().addresses, Not(Contains(Key(ip("10.244.1.50")))));
    EXPECT_THAT(rules().addresses, Not(Contains(Key(ip("10.244.1.51")))));
    EXPECT_THAT(model_.local_pods(), IsEmpty());
}

TEST_F(PodTest, LabelsDecideAndMayChange) {
    put_pod(pod("p", "reviews", {"10.244.1.60"}));
    link("p", Link{7});
    EXPECT_EQ(attachment("p")->identity, function("reviews"));
    put_pod(pod("p", "ratings", {"10.244.1.60"}));
    EXPECT_EQ(attachment("p")->identity, function("ratings"));
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.60")), function("ratings"));
    put_pod(pod("p", "none", {"10.244.1.60"}));
    EXPECT_EQ(attachment("p"), nullptr);
    EXPECT_THAT(rules().addresses, Not(Contains(Key(ip("10.244.1.60")))));
}

TEST_F(PodTest, SelectorsDecideAndMayChange) {
    put_pod(pod("p", "reviews-v2", {"10.244.1.60"}));
    link("p", Link{7});
    EXPECT_EQ(attachment("p"), nullptr);
    auto services = bookinfo_services();
    auto& reviews = std::get<Service>(services[4]);
    reviews.selector = {{"app", "reviews-v2"}};
    put("services.yaml", services);
    EXPECT_EQ(attachment("p")->identity, function("reviews"));
    reviews.selector["tier"] = "web";
    put("services.yaml", services);
    EXPECT_EQ(attachment("p"), nullptr);
    auto app = bookinfo_chain();
    app.entries.front().selector = {{"app", "reviews-v2"}};
    put("bookinfo.yaml", {app});
    EXPECT_EQ(attachment("p")->identity, entry("gateway"));
}

TEST_F(PodTest, AChangedAddressMovesEverything) {
    put_pod(pod("reviews-1", "reviews", {"10.244.1.70"}));
    link("reviews-1", Link{7});
    const auto delta = put("reviews-1", {pod("reviews-1", "reviews", {"10.244.1.3"})});
    EXPECT_THAT(delta.addresses_removed, ElementsAre(ip("10.244.1.70")));
    EXPECT_THAT(delta.attachments, ElementsAre(Key(ObjectName{"shop", "reviews-1"})));
    EXPECT_EQ(route("10.96.0.3").endpoints.at(0).ifindex, 7U);
}

TEST_F(PodTest, ANewLinkIsAnUpdateOfTheAttachment) {
    put_pod(pod("reviews-1", "reviews", {"10.244.1.3"}));
    link("reviews-1", Link{7});
    const auto delta = link("reviews-1", Link{8});
    EXPECT_THAT(delta.detached, IsEmpty());
    EXPECT_EQ(delta.attachments.at({"shop", "reviews-1"}).ifindex, 8U);
    EXPECT_EQ(delta.routes.at(tcp("10.96.0.3")).endpoints.at(0).ifindex, 8U);
    EXPECT_TRUE(link("reviews-1", Link{8}).empty());
}

TEST_F(PodTest, AddressesOfSlicesBelongToTheFunction) {
    EXPECT_THAT(rules().addresses, ElementsAre(Pair(ip("10.244.1.1"), function("productpage")),
                                               Pair(ip("10.244.1.2"), function("details")),
                                               Pair(ip("10.244.1.3"), function("reviews")),
                                               Pair(ip("10.244.1.4"), function("ratings"))));
}

TEST_F(PodTest, APodKnowsBetterThanASlice) {
    // An address used again: the slice of reviews still lists it.
    put_pod(pod("ratings-2", "ratings", {"10.244.1.3"}));
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.3")), function("ratings"));
    put("ratings-2", {});
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.3")), function("reviews"));
}

TEST_F(PodTest, AnAddressInTwoSlicesBelongsToTheFirstByName) {
    put("slice.yaml", {slice("details", {"10.244.1.3"}, "details-2")});
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.3")), function("details"));
    put("slice.yaml", {});
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.3")), function("reviews"));
}

TEST_F(PodTest, APodOfTwoFunctionsIsTheFirstByNameAndAnnounced) {
    auto services = bookinfo_services();
    std::get<Service>(services[6]).selector = {{"app", "reviews"}};  // of ratings
    put("services.yaml", services);
    put_pod(pod("reviews-1", "reviews", {"10.244.1.80"}));
    link("reviews-1", Link{7});
    EXPECT_EQ(attachment("reviews-1")->identity, function("ratings"));
    EXPECT_THAT(model_.warnings(),
                ElementsAre(warning(at(1, "reviews-1-pod.yaml"), "Pod shop/reviews-1",
                                    "selected by function shop/ratings and function shop/reviews; "
                                    "it counts as function shop/ratings",
                                    "Change the labels or the selectors")));
    put("services.yaml", bookinfo_services());
    EXPECT_THAT(model_.warnings(), IsEmpty());
}

TEST_F(PodTest, AFunctionGoesBeforeAnEntry) {
    auto app = bookinfo_chain();
    app.entries.push_back({"a-door", {{"app", "reviews"}}, at(31)});
    put("bookinfo.yaml", {app});
    put_pod(pod("reviews-1", "reviews", {"10.244.1.80"}));
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.80")), function("reviews"));
    EXPECT_EQ(model_.warnings().size(), 1U);
}

TEST_F(PodTest, LocalPodsAreThoseWhoseInterfaceIsToBeFound) {
    auto named = pod("reviews-1", "reviews", {"10.244.1.3"});
    named.interface_name = "veth7";
    put_pod(named);
    put_pod(pod("gateway-1", "gateway", {"10.244.1.9"}));
    put_pod(pod("stray", "none", {"10.244.1.50"}));
    const std::vector<LocalPod> expected{{{"shop", "gateway-1"}, {ip("10.244.1.9")}, ""},
                                         {{"shop", "reviews-1"}, {ip("10.244.1.3")}, "veth7"}};
    EXPECT_EQ(model_.local_pods(), expected);
    link("reviews-1", Link{7});
    EXPECT_EQ(model_.local_pods(), expected);
    put("bookinfo.yaml", {});
    EXPECT_THAT(model_.local_pods(), IsEmpty());
    EXPECT_THAT(rules().attachments, IsEmpty());
}

}  // namespace
}  // namespace directfaas::model::test
