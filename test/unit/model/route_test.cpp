// SPDX-License-Identifier: Apache-2.0
// From a Service and its slices to vIPs, instances and served ports.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

constexpr auto kReady = EndpointState::kReady;
constexpr auto kDraining = EndpointState::kDraining;

/// A chain with the one function "fn", its Service "fn" (10.96.0.1, port 80 http) and slices.
class RouteTest : public ModelTest {
   protected:
    void SetUp() override {
        put_function([](auto&) {});
    }

    void put_function(const std::function<void(ChainFunction&)>& change) {
        auto app = chain("app", {"fn"}, {});
        change(app.functions.front());
        put("app.yaml", {app});
    }
    void put_service(const std::function<void(Service&)>& change) {
        auto fn = service("fn", "10.96.0.1");
        change(fn);
        put("service.yaml", {fn});
    }
    void put_endpoints(std::vector<SliceEndpoint> endpoints) {
        auto fn = slice("fn", {});
        fn.endpoints = std::move(endpoints);
        put("slice.yaml", {fn});
    }
    std::set<PortProtocol> served() const { return rules().identities.at(function("fn")).served; }
    static PortProtocol tcp_port(std::uint16_t port) { return {port, util::Protocol::kTcp}; }
};

TEST_F(RouteTest, EveryServicePortTimesEveryVip) {
    put_service([](Service& s) {
        s.cluster_ips = {ip("10.96.0.1"), ip("fd96::1")};
        s.ports = {{"http", 80, util::Protocol::kTcp}, {"dns", 53, util::Protocol::kUdp}};
    });
    EXPECT_THAT(rules().routes,
                UnorderedElementsAre(Key(tcp("10.96.0.1")), Key(tcp("fd96::1")),
                                     Key(RouteKey{ip("10.96.0.1"), 53, util::Protocol::kUdp}),
                                     Key(RouteKey{ip("fd96::1"), 53, util::Protocol::kUdp})));
    EXPECT_EQ(route("10.96.0.1").function, function("fn"));
}

TEST_F(RouteTest, ServiceRefPortChoosesOneByNameOrNumber) {
    put_service([](Service& s) { s.ports.push_back({"metrics", 9100, util::Protocol::kTcp}); });
    for (const auto* wanted : {"metrics", "9100"}) {
        put_function([&](auto& f) { f.service_port = wanted; });
        EXPECT_THAT(rules().routes, ElementsAre(Key(tcp("10.96.0.1", 9100)))) << wanted;
        EXPECT_THAT(served(), ElementsAre(tcp_port(9100))) << wanted;
    }
    put_function([](auto&) {});
    EXPECT_EQ(rules().routes.size(), 2U);
}

TEST_F(RouteTest, ServiceRefNameChoosesTheService) {
    put_service([](Service& s) { s.name.name = "backend"; });
    EXPECT_THAT(rules().routes, IsEmpty());
    put_function([](auto& f) { f.service = "backend"; });
    EXPECT_EQ(route("10.96.0.1").function, function("fn"));
    put_function([](auto& f) { f.service = "gone"; });
    EXPECT_THAT(rules().routes, IsEmpty());
}

TEST_F(RouteTest, InstancesOfAllSlicesWithTheirOwnPort) {
    put_service([](auto&) {});
    auto second = slice("fn", {"10.244.0.3"}, "second");
    second.ports.front().port = 9090;
    put("slice.yaml", {slice("fn", {"10.244.0.2", "10.244.0.1"})});
    put("second.yaml", {second});
    EXPECT_THAT(route("10.96.0.1").endpoints, ElementsAre(RouteEndpoint{ip("10.244.0.1"), 9080},
                                                          RouteEndpoint{ip("10.244.0.2"), 9080},
                                                          RouteEndpoint{ip("10.244.0.3"), 9090}));
    EXPECT_THAT(served(), ElementsAre(tcp_port(9080), tcp_port(9090)));
    put("slice.yaml", {});
    EXPECT_THAT(route("10.96.0.1").endpoints, ElementsAre(RouteEndpoint{ip("10.244.0.3"), 9090}));
}

TEST_F(RouteTest, AnInstanceInTwoSlicesCountsOnceInItsBestState) {
    put_service([](auto&) {});
    auto worse = slice("fn", {"10.244.0.1", "10.244.0.2"}, "worse");
    worse.endpoints.front().ready = false;
    put("worse.yaml", {worse});
    put("slice.yaml", {slice("fn", {"10.244.0.1"})});
    EXPECT_THAT(route("10.96.0.1").endpoints,
                ElementsAre(RouteEndpoint{ip("10.244.0.1"), 9080, kReady},
                            RouteEndpoint{ip("10.244.0.2"), 9080, kReady}));
}

TEST_F(RouteTest, PortsAreMatchedByName) {
    put_service([](Service& s) { s.ports.push_back({"metrics", 9100, util::Protocol::kTcp}); });
    auto fn = slice("fn", {"10.244.0.1"});
    fn.ports = {{"metrics", 1111, util::Protocol::kTcp},
                {"other", 2222, util::Protocol::kTcp},
                {"http", 3333, util::Protocol::kTcp}};
    put("slice.yaml", {fn});
    EXPECT_EQ(route("10.96.0.1", 80).endpoints.at(0).port, 3333);
    EXPECT_EQ(route("10.96.0.1", 9100).endpoints.at(0).port, 1111);
    EXPECT_THAT(served(), ElementsAre(tcp_port(1111), tcp_port(3333)));
}

TEST_F(RouteTest, InstancesHaveTheFamilyOfTheVip) {
    put_service([](Service& s) { s.cluster_ips = {ip("10.96.0.1"), ip("fd96::1")}; });
    put("slice.yaml", {slice("fn", {"10.244.0.1"})});
    put("slice6.yaml", {slice("fn", {"fd44::1"}, "six")});
    EXPECT_THAT(route("10.96.0.1").endpoints, ElementsAre(RouteEndpoint{ip("10.244.0.1"), 9080}));
    EXPECT_THAT(route("fd96::1").endpoints, ElementsAre(RouteEndpoint{ip("fd44::1"), 9080}));
}

TEST_F(RouteTest, SlicesOfAnotherServiceOrNamespaceDoNotCount) {
    put_service([](auto&) {});
    auto elsewhere = slice("fn", {"10.244.0.9"}, "elsewhere");
    elsewhere.name.ns = "else";
    put("slices.yaml", {slice("other", {"10.244.0.8"}), elsewhere});
    EXPECT_THAT(route("10.96.0.1").endpoints, IsEmpty());
    EXPECT_THAT(rules().addresses, IsEmpty());
}

struct StateCase {
    SliceEndpoint endpoint;
    EndpointState beside_a_ready_one;
    EndpointState alone;
    EndpointState alone_with_hold;
};

TEST_F(RouteTest, StatesOfInstances) {
    const auto a = ip("10.244.0.1");
    const std::vector<StateCase> cases{
        // ready, serving, terminating
        {{a, true, true, false}, kReady, kReady, kReady},
        {{a, true, false, false}, kReady, kReady, kReady},
        {{a, false, true, false}, kDraining, kDraining, kDraining},   // not started
        {{a, false, false, false}, kDraining, kDraining, kDraining},  // failing
        {{a, false, true, true}, kDraining, kReady, kDraining},       // last resort
        {{a, true, true, true}, kDraining, kReady, kDraining},        // publishNotReadyAddresses
        {{a, false, false, true}, kDraining, kDraining, kDraining},
    };
    put_service([](auto&) {});
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto& c = cases[i];
        put_endpoints({c.endpoint, {ip("10.244.0.2")}});
        EXPECT_EQ(route("10.96.0.1").endpoints.at(0).state, c.beside_a_ready_one) << i;
        put_endpoints({c.endpoint});
        EXPECT_EQ(route("10.96.0.1").endpoints.at(0).state, c.alone) << i;
        put_function([](auto& f) { f.scale_from_zero = ScaleFromZero::kDirect; });
        EXPECT_EQ(route("10.96.0.1").endpoints.at(0).state, c.alone_with_hold) << i;
        put_function([](auto&) {});
    }
}

TEST_F(RouteTest, LastResortIsDecidedPerFamily) {
    put_service([](Service& s) { s.cluster_ips = {ip("10.96.0.1"), ip("fd96::1")}; });
    put_endpoints({{ip("10.244.0.1"), false, true, true}, {ip("fd44::1")}});
    EXPECT_EQ(route("10.96.0.1").endpoints.at(0).state, kReady);
}

TEST_F(RouteTest, WithoutInstancesDirectAndMetricsHold) {
    put_service([](auto&) {});
    EXPECT_EQ(route("10.96.0.1").when_empty, WhenEmpty::kRefuse);
    for (const auto mode : {ScaleFromZero::kDirect, ScaleFromZero::kMetrics}) {
        put_function([&](auto& f) { f.scale_from_zero = mode; });
        EXPECT_EQ(route("10.96.0.1").when_empty, WhenEmpty::kHold);
    }
}

TEST_F(RouteTest, ServedPortsOutliveTheInstances) {
    put_service([](auto&) {});
    EXPECT_THAT(served(), ElementsAre(tcp_port(80))) << "of the Service, as no slice tells better";
    put("slice.yaml", {slice("fn", {"10.244.0.1"})});
    EXPECT_THAT(served(), ElementsAre(tcp_port(9080)));
    put_endpoints({});
    EXPECT_THAT(served(), ElementsAre(tcp_port(9080)));
    auto without_ports = slice("fn", {});
    without_ports.ports.clear();
    put("slice.yaml", {without_ports});
    EXPECT_THAT(served(), ElementsAre(tcp_port(80)));
}

TEST_F(RouteTest, WithoutItsServiceAllPortsOfItsSlicesAreServed) {
    auto fn = slice("fn", {"10.244.0.1"});
    fn.ports.push_back({"metrics", 9100, util::Protocol::kTcp});
    put("slice.yaml", {fn});
    EXPECT_THAT(served(), ElementsAre(tcp_port(9080), tcp_port(9100)));
    put_function([](auto& f) { f.service_port = "http"; });
    EXPECT_THAT(served(), ElementsAre(tcp_port(9080)));
    EXPECT_EQ(rules().addresses.at(ip("10.244.0.1")), function("fn"));
}

TEST_F(RouteTest, ALocalPolicyChoosesAmongThePodsOfThisNode) {
    put_service([](Service& s) { s.node_local = true; });
    put("slice.yaml", {slice("fn", {"10.244.0.1", "10.244.0.2"})});
    EXPECT_THAT(route("10.96.0.1").endpoints, IsEmpty());
    put("pod.yaml", {pod("fn-1", "fn", {"10.244.0.1"})});
    EXPECT_THAT(route("10.96.0.1").endpoints, ElementsAre(RouteEndpoint{ip("10.244.0.1"), 9080}));
    auto remote = pod("fn-2", "fn", {"10.244.0.2"});
    remote.node = "node-2";
    put("remote.yaml", {remote});
    EXPECT_EQ(route("10.96.0.1").endpoints.size(), 1U);
    put("pod.yaml", {});
    EXPECT_THAT(route("10.96.0.1").endpoints, IsEmpty());
}

TEST_F(RouteTest, ALocalPolicyRefusesWhereNobodyIsAndHoldsOnlyWhereNobodyIsAtAll) {
    put_function([](auto& f) { f.scale_from_zero = ScaleFromZero::kDirect; });
    put_service([](Service& s) { s.node_local = true; });
    EXPECT_EQ(route("10.96.0.1").when_empty, WhenEmpty::kHold);
    put("slice.yaml", {slice("fn", {"10.244.0.1"})});
    EXPECT_EQ(route("10.96.0.1").when_empty, WhenEmpty::kRefuse);
}

TEST_F(RouteTest, AChangedConditionChangesOneRoute) {
    load_bookinfo();
    auto flipped = slice("ratings", {"10.244.1.4"});
    flipped.endpoints.front().ready = false;
    auto services = bookinfo_services();
    services.back() = flipped;
    RuleDelta expected;
    expected.routes[tcp("10.96.0.4")] = {
        function("ratings"), {{ip("10.244.1.4"), 9080, kDraining}}, WhenEmpty::kRefuse};
    EXPECT_EQ(put("services.yaml", services), expected);
}

}  // namespace
}  // namespace directfaas::model::test
