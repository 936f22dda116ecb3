// SPDX-License-Identifier: Apache-2.0
// Pods' interfaces with the kernel's own news: veths, routes and bridges in a private namespace.
// Topology: one namespace with veth pairs whose other ends stay in it; nothing is sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "agent/links/pod_links.h"
#include "test/support/netns.h"
#include "test/unit/agent/pump.h"
#include "test/unit/agent/shop.h"

namespace directfaas::links {
namespace {

using namespace agent_test;
using testing::ElementsAre;
using testing::HasSubstr;

class PodLinksTest : public testing::Test {
   protected:
    void SetUp() override {
        auto links = netns_.run([this] {
            return PodLinks::create(
                *loop_,
                [this](const std::string& pod, std::optional<FoundLink> link) {
                    reports_.push_back(pod + "=" + (link ? std::to_string(link->ifindex) : "-") +
                                       (link && !link->carrier ? "!" : ""));
                },
                {.monitor = {}, .retry = std::chrono::hours(1)});
        });
        ASSERT_TRUE(links) << links.error().text();
        links_ = std::move(*links);
        ASSERT_TRUE(links_->start());
    }
    void ip_commands(const std::vector<std::string>& lines) const { netns_.ip(lines); }
    static WantedPod by_name(const std::string& name) { return {"shop/a", {}, name}; }
    static WantedPod by_route(const std::string& address) { return {"shop/a", {ip(address)}, ""}; }
    bool reported(const std::vector<std::string>& expected) {
        const bool all = pump_until(*loop_, [&] { return reports_.size() >= expected.size(); });
        EXPECT_EQ(reports_, expected);
        reports_.clear();
        return all;
    }
    std::string why() const {
        const auto unattached = links_->unattached();
        return unattached.empty() ? "" : unattached[0].why;
    }

    support::Netns netns_{support::unique_prefix() + "l"};
    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    std::unique_ptr<PodLinks> links_;
    std::vector<std::string> reports_;
};

TEST_F(PodLinksTest, FollowsAVethByName) {
    links_->want({by_name("va")});
    ip_commands({"link add va index 50 type veth peer name vb"});
    EXPECT_TRUE(reported({"shop/a=50!"}));
    ip_commands({"link del va"});
    EXPECT_TRUE(reported({"shop/a=-"}));
    EXPECT_THAT(why(), HasSubstr("va"));
}

TEST_F(PodLinksTest, AVethThatIsThereAlreadyHasCarrier) {
    ip_commands(
        {"link add va index 50 type veth peer name vb", "link set va up", "link set vb up"});
    pump(*loop_);
    links_->want({by_name("va")});
    EXPECT_TRUE(reported({"shop/a=50"}));
}

TEST_F(PodLinksTest, AReusedNumberIsANewInterface) {
    links_->want({by_name("va"), {"shop/b", {}, "other"}});
    ip_commands({"link add va index 50 type veth peer name vb"});
    EXPECT_TRUE(reported({"shop/a=50!"}));
    ip_commands({"link del va", "link add va index 50 type veth peer name vb"});
    EXPECT_TRUE(reported({"shop/a=-", "shop/a=50!"}));
    ip_commands({"link del va", "link add other index 50 type veth peer name vb"});
    EXPECT_TRUE(reported({"shop/a=-", "shop/b=50!"}));
}

TEST_F(PodLinksTest, FindsTheRouteOfBothFamilies) {
    ip_commands(
        {"link add va index 50 type veth peer name vb", "link set va up", "link set vb up"});
    for (const std::string address : {"10.1.0.1", "fd00::1"}) {
        links_->want({by_route(address)});
        EXPECT_THAT(why(), HasSubstr("no route"));
        ip_commands({"route add " + address + " dev va"});
        EXPECT_TRUE(reported({"shop/a=50"}));
        links_->want({});
        EXPECT_TRUE(reported({"shop/a=-"}));
    }
}

TEST_F(PodLinksTest, FollowsARouteThatMoves) {
    ip_commands({"link add va index 50 type veth peer name vb", "link set va up", "link set vb up",
                 "link add vc index 60 type veth peer name vd", "link set vc up", "link set vd up",
                 "route add 10.1.0.1 dev va"});
    pump(*loop_);
    links_->want({by_route("10.1.0.1")});
    EXPECT_TRUE(reported({"shop/a=50"}));
    ip_commands({"route replace 10.1.0.1 dev vc"});
    EXPECT_TRUE(reported({"shop/a=-", "shop/a=60"}));
}

TEST_F(PodLinksTest, RefusesOtherWaysToAnAddress) {
    ip_commands({"link set lo up", "link add va type veth peer name vb", "link set va up",
                 "link set vb up", "addr add 10.9.0.1/24 dev va", "link add bridge0 type bridge",
                 "link set bridge0 up", "route add 10.1.0.2 dev bridge0",
                 "route add 10.1.0.3 via 10.9.0.2", "route add default dev va",
                 "route add unreachable 10.1.0.5",
                 "route add 10.1.0.6 nexthop via 10.9.0.3 nexthop via 10.9.0.4"});
    pump(*loop_);
    const std::vector<std::pair<std::string, std::string>> cases{
        {"10.1.0.2", "bridge0 is not a veth (bridge)"}, {"10.1.0.3", "gateway on va"},
        {"10.1.0.4", "only the default route, on va"},  {"10.1.0.5", "no route to"},
        {"10.1.0.6", "does not lead to one interface"}, {"10.9.0.1", "address of this node"},
        {"127.0.0.1", "address of this node"}};
    for (const auto& [address, reason] : cases) {
        links_->want({by_route(address)});
        EXPECT_THAT(why(), HasSubstr(reason)) << address;
    }
    for (const std::string name : {"lo", "bridge0"}) {
        links_->want({by_name(name)});
        EXPECT_THAT(why(), HasSubstr("not a veth"));
    }
    EXPECT_TRUE(reports_.empty());
}

TEST_F(PodLinksTest, AVethThatLeavesItsBridgeIsStillThere) {
    ip_commands({"link add bridge0 type bridge", "link add va index 50 type veth peer name vb",
                 "link set va master bridge0"});
    pump(*loop_);
    links_->want({by_name("va")});
    EXPECT_TRUE(reported({"shop/a=50!"}));
    // The kernel tells this as RTM_DELLINK, of the bridge family.
    ip_commands({"link set va nomaster", "link add mark index 99 type veth peer name mark2"});
    links_->want({by_name("va"), {"shop/m", {}, "mark"}});
    EXPECT_TRUE(reported({"shop/m=99!"}));
}

TEST_F(PodLinksTest, AVethMovedAwayIsGone) {
    const support::Netns other(support::unique_prefix() + "o");
    links_->want({by_name("va")});
    ip_commands({"link add va index 50 type veth peer name vb"});
    EXPECT_TRUE(reported({"shop/a=50!"}));
    ip_commands({"link set va netns " + other.name()});
    EXPECT_TRUE(reported({"shop/a=-"}));
}

/// More news than the socket holds: nothing may be missed and no ghost may stay.
TEST(Monitor, LostNewsLeadToAFreshList) {
    const support::Netns netns(support::unique_prefix() + "m");
    const auto loop = std::move(*util::EventLoop::create());
    std::set<std::string> names;
    std::map<unsigned, std::string> known;
    std::size_t lists = 0;
    const auto monitor = netns.run([&] {
        return std::move(
            *Monitor::create(*loop,
                             {.added = [&](const Link& link) { known[link.ifindex] = link.name; },
                              .removed = [&](unsigned ifindex) { known.erase(ifindex); },
                              .replaced =
                                  [&](const std::vector<Link>& links) {
                                      ++lists;
                                      known.clear();
                                      for (const auto& link : links) {
                                          known[link.ifindex] = link.name;
                                      }
                                  },
                              .route_changed = [](const util::IpPrefix&) {}},
                             {.receive_bytes = 8192}));
    });
    ASSERT_TRUE(monitor->start());
    EXPECT_EQ(lists, 1U);
    std::vector<std::string> lines;
    for (int i = 0; i < 60; ++i) {
        lines.push_back("link add v" + std::to_string(i) + " type veth peer name w" +
                        std::to_string(i));
    }
    for (int i = 0; i < 59; ++i) {
        lines.push_back("link del v" + std::to_string(i));
    }
    netns.ip(lines);  // the loop does not turn meanwhile
    ASSERT_TRUE(pump_until(*loop, [&] { return lists > 1; }));
    pump(*loop);
    EXPECT_GT(monitor->overflows(), 0U);
    for (const auto& [ifindex, name] : known) {
        names.insert(name);
    }
    EXPECT_TRUE(names.contains("v59") && names.contains("w59"));
    EXPECT_FALSE(names.contains("v0") || names.contains("v58")) << "a ghost";
}

}  // namespace
}  // namespace directfaas::links
