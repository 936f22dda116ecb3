// SPDX-License-Identifier: Apache-2.0
// What is accepted but cannot work: a standing warning until it is mended, and no route.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kApp = "FunctionChain shop/app";

class WarningsTest : public ModelTest {
   protected:
    void SetUp() override {
        put("app.yaml", {chain("app", {"fn"}, {})});
        put("service.yaml", {service("fn", "10.96.0.1")});
        EXPECT_THAT(model_.warnings(), IsEmpty());
    }
    void put_service(const std::function<void(Service&)>& change) {
        auto fn = service("fn", "10.96.0.1");
        change(fn);
        put("service.yaml", {fn});
    }
    void mend() {
        put("service.yaml", {service("fn", "10.96.0.1")});
        EXPECT_THAT(model_.warnings(), IsEmpty());
        EXPECT_EQ(rules().routes.size(), 1U);
    }
};

TEST_F(WarningsTest, ServiceMissing) {
    put("service.yaml", {});
    EXPECT_THAT(model_.warnings(), ElementsAre(warning(at(10, "app.yaml"), kApp,
                                                       "function fn: there is no Service shop/fn",
                                                       "serviceRef.name")));
    EXPECT_THAT(rules().routes, IsEmpty());
    mend();
}

TEST_F(WarningsTest, HeadlessServiceHasNoRouteButItsPodsAreKnown) {
    put_service([](Service& s) { s.cluster_ips.clear(); });
    put("pod.yaml", {pod("fn-1", "fn", {"10.244.1.1"})});
    link("fn-1", Link{7});
    EXPECT_THAT(model_.warnings(),
                ElementsAre(warning(at(10, "app.yaml"), kApp,
                                    "Service shop/fn (fn-service.yaml:1) is headless")));
    EXPECT_THAT(rules().routes, IsEmpty());
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.1")), function("fn"));
    EXPECT_EQ(rules().attachments.size(), 1U);
    EXPECT_EQ(rules().identities.at(function("fn")).served.size(), 1U);
    mend();
}

TEST_F(WarningsTest, AVipOfAnotherProxyIsLeftToIt) {
    put_service([](Service& s) { s.proxy = "other"; });
    EXPECT_THAT(model_.warnings(),
                ElementsAre(warning(at(10, "app.yaml"), kApp,
                                    "Service shop/fn (fn-service.yaml:1) is served by another "
                                    "proxy, other",
                                    "service-proxy-name to directfaas")));
    EXPECT_THAT(rules().routes, IsEmpty());
    put_service([](Service& s) { s.proxy = "directfaas"; });
    EXPECT_THAT(model_.warnings(), IsEmpty()) << "strict mode: kube-proxy leaves it to us";
    EXPECT_EQ(rules().routes.size(), 1U);
    mend();
}

TEST_F(WarningsTest, SelectorlessServiceHasNoRouteButItsSlicesCount) {
    put_service([](Service& s) { s.selector.clear(); });
    put("slice.yaml", {slice("fn", {"10.244.1.1"})});
    put("pod.yaml", {pod("fn-1", "fn", {"10.244.1.2"})});
    EXPECT_THAT(model_.warnings(),
                ElementsAre(warning(at(10, "app.yaml"), kApp, "has no selector")));
    EXPECT_THAT(rules().routes, IsEmpty());
    EXPECT_EQ(rules().addresses.at(ip("10.244.1.1")), function("fn"));
    EXPECT_FALSE(rules().addresses.contains(ip("10.244.1.2")));
    mend();
}

TEST_F(WarningsTest, ServiceRefPortThatIsNone) {
    auto app = chain("app", {"fn"}, {});
    app.functions.front().service_port = "grpc";
    put("app.yaml", {app});
    EXPECT_THAT(model_.warnings(),
                ElementsAre(warning(at(10, "app.yaml"), kApp, "has no port grpc",
                                    "Correct serviceRef.port; there are: http 80/TCP")));
    EXPECT_THAT(rules().routes, IsEmpty());
    put_service([](Service& s) { s.ports.push_back({"grpc", 90, util::Protocol::kTcp}); });
    EXPECT_THAT(model_.warnings(), IsEmpty());
    EXPECT_EQ(rules().routes.size(), 1U);
}

TEST_F(WarningsTest, SliceWithoutThePortsOfTheService) {
    auto fn = slice("fn", {"10.244.1.1"});
    fn.ports.front().name = "web";
    put("slice.yaml", {fn});
    EXPECT_THAT(model_.warnings(),
                ElementsAre(warning(at(10, "app.yaml"), kApp,
                                    "an EndpointSlice of Service shop/fn has none of the Service's "
                                    "ports",
                                    "http 80/TCP")));
    EXPECT_THAT(route("10.96.0.1").endpoints, IsEmpty());
    put("slice.yaml", {slice("fn", {"10.244.1.1"})});
    EXPECT_THAT(model_.warnings(), IsEmpty());
}

TEST_F(WarningsTest, ExposureFromOfNobody) {
    auto app = chain("app", {"fn"}, {});
    app.functions.front().ingress_from = {{"else", "caller"}};
    put("app.yaml", {app});
    EXPECT_THAT(model_.warnings(),
                ElementsAre(warning(at(10, "app.yaml"), kApp, "exposure.from names else/caller")));
    auto other = chain("other", {"caller"}, {});
    other.name.ns = "else";
    put("other.yaml", {other});
    for (const auto& left : model_.warnings()) {
        EXPECT_EQ(left.object, "FunctionChain else/other") << left.text();
    }
    put("other.yaml", {});
    EXPECT_EQ(model_.warnings().size(), 1U);
}

TEST_F(WarningsTest, SortedByPlaceAndGoneWithTheChain) {
    put("second.yaml", {chain("second", {"y", "x"}, {})});
    put("first.yaml", {chain("first", {"z"}, {})});
    std::vector<std::string> places;
    for (const auto& problem : model_.warnings()) {
        places.push_back(problem.where.text());
    }
    EXPECT_THAT(places, ElementsAre("first.yaml:10", "second.yaml:10", "second.yaml:11"));
    put("first.yaml", {});
    put("second.yaml", {});
    EXPECT_THAT(model_.warnings(), IsEmpty());
}

TEST_F(WarningsTest, LinesFollowTheFile) {
    put("service.yaml", {});
    auto moved = chain("app", {"fn"}, {});
    moved.functions.front().where.line = 99;
    EXPECT_TRUE(put("app.yaml", {moved}).empty());
    EXPECT_EQ(model_.warnings().at(0).where, at(99, "app.yaml"));
}

}  // namespace
}  // namespace directfaas::model::test
