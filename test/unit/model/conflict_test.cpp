// SPDX-License-Identifier: Apache-2.0
// Addresses that two things claim: refused, whichever of the two comes second.
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::ElementsAre;

class ConflictTest : public ModelTest {
   protected:
    void SetUp() override { load_bookinfo(); }
};

TEST_F(ConflictTest, OneVipAndPortOfTwoFunctions) {
    auto app = bookinfo_chain();
    app.functions.push_back(app.functions.back());
    app.functions.back().name = app.functions.back().service = "extra";
    put("bookinfo.yaml", {app});
    EXPECT_THAT(
        refused("extra.yaml", {service("extra", "10.96.0.4")}),
        ElementsAre(error(at(1, "extra-service.yaml"), "Service shop/extra",
                          "vIP 10.96.0.4:80/TCP of function shop/extra is also that of function "
                          "shop/ratings (ratings-service.yaml:1)",
                          "another clusterIP or port")));
    auto other_port = service("extra", "10.96.0.4");
    other_port.ports.front().port = 81;
    put("extra.yaml", {other_port});
    EXPECT_EQ(route("10.96.0.4", 81).function, function("extra"));
    EXPECT_EQ(route("10.96.0.4", 80).function, function("ratings"));
}

TEST_F(ConflictTest, OneVipOfTwoFunctionsIsReportedOncePerPair) {
    put("extra.yaml", {service("extra", "10.96.0.4")});  // of no function yet
    auto app = bookinfo_chain();
    app.functions.push_back(app.functions.back());
    app.functions.back().name = app.functions.back().service = "extra";
    EXPECT_EQ(refused("bookinfo.yaml", {app}).size(), 1U);
}

TEST_F(ConflictTest, TwoFunctionsOfOneService) {
    auto app = bookinfo_chain();
    app.functions.push_back(app.functions.back());
    app.functions.back().name = "other";  // serviceRef still names ratings
    app.functions.back().where = at(14);
    EXPECT_THAT(refused("bookinfo.yaml", {app}),
                ElementsAre(error(at(14), "FunctionChain shop/bookinfo",
                                  "function other has the same Service and port, "
                                  "10.96.0.4:80/TCP, as function shop/ratings (bookinfo.yaml:13)",
                                  "serviceRef.port")));
}

TEST_F(ConflictTest, AVipInsideAPodNetwork) {
    EXPECT_THAT(refused("services.yaml", {service("ratings", "10.244.9.9")}),
                ElementsAre(error(at(1, "ratings-service.yaml"), "Service shop/ratings",
                                  "vIP 10.244.9.9 of function shop/ratings is inside pod network "
                                  "10.244.0.0/16",
                                  "clusterIP outside")));
}

TEST_F(ConflictTest, AServiceOfNoFunctionIsNobodysBusiness) {
    put("extra.yaml", {service("extra", "10.244.9.9")});
}

TEST_F(ConflictTest, AVipThatIsAPodsAddress) {
    put("pods.yaml", {pod("stray", "no-function", {"10.9.9.9"})});
    auto services = bookinfo_services();
    std::get<Service>(services.front()).cluster_ips = {ip("10.9.9.9")};
    EXPECT_THAT(refused("services.yaml", services),
                ElementsAre(error(at(1, "productpage-service.yaml"), "Service shop/productpage",
                                  "is the address of Pod shop/stray (stray-pod.yaml:1)")));
}

TEST_F(ConflictTest, APodWithAVipAsItsAddress) {
    EXPECT_THAT(refused("pods.yaml", {pod("stray", "no-function", {"10.96.0.4"})}),
                ElementsAre(error(at(1, "stray-pod.yaml"), "Pod shop/stray",
                                  "address 10.96.0.4 is the vIP of function shop/ratings "
                                  "(ratings-service.yaml:1)")));
}

TEST_F(ConflictTest, AnInstanceWithAVipAsItsAddress) {
    EXPECT_THAT(refused("slice.yaml", {slice("details", {"10.96.0.4"}, "details-2")}),
                ElementsAre(error(at(1, "details-2-slice.yaml"), "EndpointSlice shop/details-2",
                                  "address 10.96.0.4 is the vIP of function shop/ratings")));
}

TEST_F(ConflictTest, AVipThatIsAnInstancesAddress) {
    put("slice.yaml", {slice("details", {"10.7.7.7"}, "details-2")});
    auto services = bookinfo_services();
    std::get<Service>(services.front()).cluster_ips = {ip("10.7.7.7")};
    EXPECT_THAT(refused("services.yaml", services),
                ElementsAre(error(at(1, "productpage-service.yaml"), "Service shop/productpage",
                                  "is the address of an instance in EndpointSlice shop/details-2 "
                                  "(details-2-slice.yaml:1)")));
}

TEST_F(ConflictTest, TwoPodsOfThisNodeWithOneAddress) {
    put("one.yaml", {pod("one", "ratings", {"10.244.1.4"})});
    EXPECT_THAT(refused("two.yaml", {pod("two", "reviews", {"10.244.1.4"})}),
                ElementsAre(error(at(1, "two-pod.yaml"), "Pod shop/two",
                                  "address 10.244.1.4 on this node is also that of Pod shop/one "
                                  "(one-pod.yaml:1)")));
}

TEST_F(ConflictTest, PodsOfOtherNodesOrNoChainMayShareAddresses) {
    // Pods on the host's network all have the node's address.
    put("one.yaml", {pod("one", "ratings", {"10.244.1.4"})});
    put("two.yaml", {pod("two", "no-function", {"10.244.1.4"})});
    auto remote = pod("three", "reviews", {"10.244.1.4"});
    remote.node = "node-2";
    put("three.yaml", {remote});
}

TEST_F(ConflictTest, ALabelThatMakesTwoPodsOfOneAddressFunctionsIsRefused) {
    put("pods.yaml",
        {pod("one", "ratings", {"10.244.1.4"}), pod("two", "no-function", {"10.244.1.4"})});
    auto app = bookinfo_chain();
    app.entries.push_back({"cron", {{"app", "no-function"}}, at(31)});
    EXPECT_THAT(
        refused("bookinfo.yaml", {app}),
        ElementsAre(error(at(1, "two-pod.yaml"), "Pod shop/two", "also that of Pod shop/one")));
}

}  // namespace
}  // namespace directfaas::model::test
