// SPDX-License-Identifier: Apache-2.0
// Which interface a pod is behind: every way to find it, to lose it, and to be refused it.
#include "agent/links/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "test/unit/agent/shop.h"

namespace directfaas::links {
namespace {

using agent_test::ip;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Link veth(unsigned ifindex, const std::string& name, bool carrier = true) {
    return {ifindex, name, "veth", carrier, ifindex + 100, 3};
}
Route direct(unsigned ifindex) { return {Route::Kind::kUnicast, ifindex, false, 32}; }
WantedPod by_name(const std::string& pod, const std::string& interface_name) {
    return {pod, {ip("10.1.0.1")}, interface_name};
}
WantedPod by_route(const std::string& pod, const std::string& address) {
    return {pod, {ip(address)}, ""};
}

class ResolverTest : public testing::Test {
   protected:
    std::string why(const std::string& pod) const {
        for (const auto& unattached : resolver_.unattached()) {
            if (unattached.pod == pod) {
                return unattached.why;
            }
        }
        return "";
    }
    /// "shop/a=7" for each report, "shop/a=-" for none.
    std::vector<std::string> take_reports() { return std::exchange(reports_, {}); }

    std::map<util::IpAddress, Route> routes_;
    std::set<unsigned> carriers_;  // what the kernel says now
    std::size_t lookups_ = 0;
    std::vector<std::string> reports_;
    Resolver resolver_{
        [this](const util::IpAddress& address) {
            ++lookups_;
            const auto found = routes_.find(address);
            return found == routes_.end() ? std::nullopt : std::optional(found->second);
        },
        [this](unsigned ifindex) { return carriers_.contains(ifindex); },
        [this](const std::string& pod, std::optional<FoundLink> link) {
            reports_.push_back(pod + "=" + (link ? std::to_string(link->ifindex) : "-") +
                               (link && !link->carrier ? "!" : ""));
        }};
};

TEST_F(ResolverTest, FindsByNameWhicheverComesFirst) {
    resolver_.want({by_name("shop/a", "veth-a")});
    EXPECT_THAT(why("shop/a"), HasSubstr("veth-a"));
    resolver_.link_added(veth(7, "veth-a"));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7"));
    resolver_.link_added(veth(8, "veth-b"));
    resolver_.want({by_name("shop/a", "veth-a"), by_name("shop/b", "veth-b")});
    EXPECT_THAT(take_reports(), ElementsAre("shop/b=8"));
    EXPECT_THAT(resolver_.unattached(), IsEmpty());
    EXPECT_EQ(resolver_.found("shop/a"), (FoundLink{7, true}));
}

TEST_F(ResolverTest, FindsByRoute) {
    resolver_.links_replaced({veth(7, "veth-a")});
    resolver_.want({by_route("shop/a", "10.1.0.1")});
    EXPECT_THAT(why("shop/a"), HasSubstr("no route to 10.1.0.1"));
    routes_[ip("10.1.0.1")] = direct(7);
    resolver_.route_changed(*util::IpPrefix::parse("10.9.0.0/16"));
    EXPECT_THAT(take_reports(), IsEmpty()) << "asked about a route that is not the pod's";
    resolver_.route_changed(*util::IpPrefix::parse("10.1.0.1/32"));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7"));
}

TEST_F(ResolverTest, TriesEachAddressOfAPod) {
    resolver_.links_replaced({veth(7, "veth-a")});
    routes_[ip("fd00::1")] = {Route::Kind::kUnicast, 7, false, 128};
    resolver_.want({{"shop/a", {ip("10.1.0.1"), ip("fd00::1")}, ""}});
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7"));
}

TEST_F(ResolverTest, TellsWhetherThePodCanHaveSentAnything) {
    resolver_.want({by_name("shop/a", "veth-a")});
    resolver_.link_added(veth(7, "veth-a", false));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7!"));
    resolver_.link_added(veth(7, "veth-a", true));
    EXPECT_THAT(take_reports(), IsEmpty()) << "what was true at the attachment stays";
}

/// The news that it has come is late.
TEST_F(ResolverTest, CarrierIsWhatTheKernelSaysNow) {
    resolver_.want({by_name("shop/a", "veth-a")});
    carriers_ = {7};
    resolver_.link_added(veth(7, "veth-a", false));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7"));
}

TEST_F(ResolverTest, RefusesWhatIsNotAPodsOwnVeth) {
    resolver_.links_replaced({{1, "lo", "", true, 0, -1},
                              {2, "eth0", "", true, 0, -1},
                              {3, "cni0", "bridge", true, 0, -1},
                              veth(4, "veth-up")});
    const std::vector<std::pair<WantedPod, std::string>> cases{
        {by_name("shop/a", "eth0"), "hardware or loopback"},
        {by_name("shop/a", "lo"), "hardware or loopback"},
        {by_name("shop/a", "cni0"), "bridge"},
        {by_route("shop/a", "10.1.0.3"), "cni0 is not a veth (bridge)"},
        {by_route("shop/a", "10.1.0.4"), "gateway on veth-up"},
        {by_route("shop/a", "10.1.0.5"), "host's network"},
        {by_route("shop/a", "10.1.0.6"), "only the default route, on veth-up"},
        {by_route("shop/a", "10.1.0.7"), "does not lead to one interface"},
        {by_route("shop/a", "10.1.0.8"), "does not lead to one interface"},
        {by_route("shop/a", "10.1.0.9"), "not known"},
        {{"shop/a", {}, ""}, "no address yet"}};
    routes_[ip("10.1.0.3")] = direct(3);
    routes_[ip("10.1.0.4")] = {Route::Kind::kUnicast, 4, true, 24};
    routes_[ip("10.1.0.5")] = {Route::Kind::kLocal, 2, false, 32};
    routes_[ip("10.1.0.6")] = {Route::Kind::kUnicast, 4, false, 0};
    routes_[ip("10.1.0.7")] = {Route::Kind::kUnicast, 0, false, 24};
    routes_[ip("10.1.0.8")] = {Route::Kind::kOther, 4, false, 24};
    routes_[ip("10.1.0.9")] = direct(99);
    for (const auto& [wanted, reason] : cases) {
        resolver_.want({wanted});
        EXPECT_THAT(why("shop/a"), HasSubstr(reason));
        EXPECT_THAT(take_reports(), IsEmpty());
    }
}

TEST_F(ResolverTest, AVanishedVethIsReportedAtOnce) {
    resolver_.want({by_name("shop/a", "veth-a")});
    resolver_.link_added(veth(7, "veth-a"));
    take_reports();
    resolver_.link_removed(7);
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=-"));
    EXPECT_NE(why("shop/a"), "");
    resolver_.link_removed(7);
    resolver_.link_removed(12);
    EXPECT_THAT(take_reports(), IsEmpty());
}

TEST_F(ResolverTest, ANewVethWithTheOldNumberIsANewOne) {
    resolver_.want({by_name("shop/a", "veth-a"), by_name("shop/b", "veth-b")});
    resolver_.link_added(veth(7, "veth-a"));
    take_reports();
    resolver_.link_removed(7);
    resolver_.link_added(veth(7, "veth-a"));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=-", "shop/a=7"));
    resolver_.link_removed(7);
    resolver_.link_added(veth(7, "veth-b"));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=-", "shop/b=7"));
}

TEST_F(ResolverTest, AfterLostNewsTheListDecides) {
    resolver_.want({by_name("shop/a", "veth-a"), by_name("shop/b", "veth-b"),
                    by_name("shop/c", "veth-c"), by_name("shop/d", "veth-d")});
    resolver_.links_replaced({veth(7, "veth-a"), veth(8, "veth-b"), veth(9, "veth-c")});
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7", "shop/b=8", "shop/c=9"));
    auto remade = veth(9, "veth-c");
    remade.peer = 555;
    resolver_.links_replaced({veth(7, "veth-a"), remade, veth(10, "veth-d")});
    EXPECT_THAT(take_reports(), ElementsAre("shop/b=-", "shop/c=-", "shop/c=9", "shop/d=10"));
}

TEST_F(ResolverTest, AFlappingRouteOpensNoGap) {
    resolver_.links_replaced({veth(7, "veth-a"), veth(8, "veth-b")});
    routes_[ip("10.1.0.1")] = direct(7);
    resolver_.want({by_route("shop/a", "10.1.0.1")});
    take_reports();
    routes_.clear();
    resolver_.route_changed(*util::IpPrefix::parse("10.1.0.1/32"));
    EXPECT_THAT(take_reports(), IsEmpty());
    routes_[ip("10.1.0.1")] = direct(8);
    resolver_.route_changed(*util::IpPrefix::parse("10.1.0.0/24"));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=-", "shop/a=8")) << "a route that moves counts";
}

TEST_F(ResolverTest, OneVethHasOnePod) {
    resolver_.links_replaced({veth(7, "veth-a")});
    routes_[ip("10.1.0.1")] = direct(7);
    resolver_.want({by_route("shop/a", "10.1.0.1"), by_route("shop/b", "10.1.0.1")});
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7"));
    EXPECT_THAT(why("shop/b"), HasSubstr("belongs to pod shop/a"));
    resolver_.want({by_route("shop/b", "10.1.0.1")});
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=-", "shop/b=7"));
}

TEST_F(ResolverTest, ARenamedVethIsFoundByItsNewName) {
    resolver_.want({by_name("shop/a", "veth-a"), by_name("shop/b", "veth-b")});
    resolver_.link_added(veth(7, "veth-a"));
    take_reports();
    resolver_.link_added(veth(7, "veth-b"));
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=-", "shop/b=7"));
}

TEST_F(ResolverTest, AChangedWishIsLookedForAnew) {
    resolver_.links_replaced({veth(7, "veth-a"), veth(8, "veth-b")});
    resolver_.want({by_name("shop/a", "veth-a")});
    resolver_.want({by_name("shop/a", "veth-b")});
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=7", "shop/a=-", "shop/a=8"));
    resolver_.want({by_name("shop/a", "veth-c")});
    EXPECT_THAT(take_reports(), ElementsAre("shop/a=-"));
}

TEST_F(ResolverTest, ManyUnfoundPodsAreLookedForAFewAtATime) {
    std::vector<WantedPod> pods;
    for (int i = 0; i < 1000; ++i) {
        pods.push_back(by_route("shop/p" + std::to_string(i), "10.2.0.1"));
    }
    resolver_.want(pods);
    lookups_ = 0;
    resolver_.retry(100);
    EXPECT_EQ(lookups_, 100U);
    resolver_.links_replaced({veth(7, "veth-a")});
    routes_[ip("10.2.0.1")] = direct(7);
    for (int turn = 0; turn < 10 && reports_.empty(); ++turn) {
        resolver_.retry(100);
    }
    EXPECT_EQ(reports_.size(), 1U) << "every pod has its turn";
}

}  // namespace
}  // namespace directfaas::links
