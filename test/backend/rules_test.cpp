// SPDX-License-Identifier: Apache-2.0
// Rules go into the kernel and come back the same, whatever came before and whoever asks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "test/backend/fixture.h"
#include "test/backend/rule_generator.h"
#include "test/support/wait.h"

namespace directfaas::backend::ebpf {
namespace {

class RulesTest : public BackendTest {
   protected:
    std::vector<unsigned> interfaces(int count) {
        std::vector<unsigned> list;
        for (int i = 0; i < count; ++i) {
            list.push_back(add_interface(fmt::format("v{}", i)));
        }
        return list;
    }

    /// The map entries of every edge and route, as text: numbers and generations included.
    std::vector<std::string> numbers(const model::RuleSet& rules) {
        std::vector<std::string> lines;
        std::vector<model::RouteKey> routes;
        for (const auto& [key, rule] : rules.routes) {
            routes.push_back(key);
        }
        for (const auto& [identity, rule] : rules.identities) {
            const auto found = backend().installed({identity, identity}, routes);
            lines.insert(lines.end(), found.begin(), found.end());
        }
        for (const auto& edge : rules.allowed) {
            const auto found = backend().installed(edge, {});
            lines.insert(lines.end(), found.begin(), found.end());
        }
        return lines;
    }

    /// Every table holds what the rules need and not an entry more.
    void expect_no_leftovers(const model::RuleSet& rules) {
        const auto open = tables();
        const auto count = [](const auto& table) {
            std::size_t entries = 0;
            EXPECT_TRUE(table.for_each([&](const auto&, const auto&) { ++entries; }));
            return entries;
        };
        std::size_t ready = 0;
        std::size_t known = 0;
        std::size_t ports = 0;
        std::set<util::IpAddress> vips;
        for (const auto& [key, route] : rules.routes) {
            vips.insert(key.vip);
            known += route.endpoints.size();
            for (const auto& one : route.endpoints) {
                ready += one.state == model::EndpointState::kReady ? 1 : 0;
            }
        }
        for (const auto& [identity, rule] : rules.identities) {
            auto all = rule.served;
            all.insert(rule.open.begin(), rule.open.end());
            ports += all.size();
        }
        std::size_t used_endpoints = 0;
        EXPECT_TRUE(open.ep.for_each([&](std::uint32_t, const df_ep& endpoint) {
            used_endpoints += endpoint.state == DF_EP_FREE ? 0 : 1;
        }));
        EXPECT_EQ(count(open.veth), rules.attachments.size());
        EXPECT_EQ(count(open.pod_name), rules.attachments.size());
        EXPECT_EQ(count(open.ip_id), rules.addresses.size() + vips.size());
        EXPECT_EQ(count(open.vip), rules.routes.size());
        // Old lists stay for a moment.
        EXPECT_TRUE(support::wait_until([&] {
            EXPECT_TRUE(backend().sweep());
            return count(open.slots) == ready;
        })) << count(open.slots)
            << " slots instead of " << ready;
        EXPECT_EQ(used_endpoints, known);
        EXPECT_EQ(count(open.allow), rules.allowed.size());
        EXPECT_EQ(count(open.fn_port), ports);
    }
};

TEST_F(RulesTest, AnyRulesAfterAnyOthersAreWhatDumpSays) {
    const auto pods = interfaces(6);
    inside([&] {
        start();
        std::mt19937 random(20261124);
        for (int round = 0; round < 60; ++round) {
            const auto rules = random_rules(random, pods);
            apply(rules);
            expect_dump(rules);
            if (round % 10 == 0) {
                start();
                expect_dump(rules);
            }
            if (round % 7 == 0) {
                expect_no_leftovers(rules);
            }
            if (HasFailure()) {
                FAIL() << "in round " << round;
            }
        }
        apply({});
        expect_dump({});
        expect_no_leftovers({});
    });
}

TEST_F(RulesTest, NumbersAndGenerationsOutliveTheProcess) {
    const auto pods = interfaces(4);
    inside([&] {
        start();
        std::mt19937 random(7);
        model::RuleSet rules;
        for (int round = 0; round < 5; ++round) {
            rules = random_rules(random, pods);
            apply(rules);
        }
        const auto before = numbers(rules);
        ASSERT_GT(before.size(), rules.identities.size());
        start();
        EXPECT_EQ(numbers(rules), before);
        // And they stay when a rule that has nothing to do with them comes.
        rules.identities[function("stranger")] = {};
        apply(rules);
        rules.identities.erase(function("stranger"));
        EXPECT_EQ(numbers(rules), before);
    });
}

TEST_F(RulesTest, AnInstanceThatStaysKeepsItsNumber) {
    inside([&] {
        start();
        auto rules = small_rules();
        apply(rules);
        const model::AllowKey edge = *rules.allowed.begin();
        const auto key = route_key("10.96.0.1");
        const auto line_of = [&](const std::string& address) {
            for (const auto& line : backend().installed(edge, {key})) {
                if (line.find(address) != std::string::npos) {
                    return line.substr(line.find("ep["), line.find("]:") - line.find("ep["));
                }
            }
            return std::string("none");
        };
        const auto number = line_of("10.1.0.2:8080");
        ASSERT_NE(number, "none");
        rules.routes[key].endpoints = {endpoint("10.1.0.1"), endpoint("10.1.0.2"),
                                       endpoint("10.1.0.3")};
        apply(rules);
        EXPECT_EQ(line_of("10.1.0.2:8080"), number);
        EXPECT_NE(line_of("10.1.0.3:8080"), number);
        rules.routes[key].endpoints = {endpoint("10.1.0.2")};
        apply(rules);
        EXPECT_EQ(line_of("10.1.0.2:8080"), number);
    });
}

TEST_F(RulesTest, RevocationAndRemovalRaiseTheGeneration) {
    inside([&] {
        start();
        auto rules = small_rules();
        apply(rules);
        const auto open = tables();
        const auto find_edge = [&] {
            std::optional<df_allow> found;
            EXPECT_TRUE(open.allow.for_each(
                [&](const df_allow_key&, const df_allow& allow) { found = allow; }));
            return found;
        };
        const auto before = find_edge();
        ASSERT_TRUE(before);
        rules.allowed.clear();
        apply(rules);
        EXPECT_FALSE(find_edge());
        const auto edge = open.edge.get(before->edge);
        ASSERT_TRUE(edge && *edge);
        EXPECT_EQ((*edge)->live, 0U);
        EXPECT_GT((*edge)->gen, before->gen);

        std::optional<std::pair<std::uint32_t, df_ep>> instance;
        ASSERT_TRUE(open.ep.for_each([&](std::uint32_t id, const df_ep& found) {
            if (found.state == DF_EP_READY) {
                instance = {id, found};
            }
        }));
        ASSERT_TRUE(instance);
        rules.routes[route_key("10.96.0.1")].endpoints.clear();
        apply(rules);
        const auto gone = open.ep.get(instance->first);
        ASSERT_TRUE(gone && *gone);
        EXPECT_EQ((*gone)->state, DF_EP_FREE);
        EXPECT_GT((*gone)->gen, instance->second.gen);
    });
}

TEST_F(RulesTest, AVipWithTwoPortsIsKnownUntilTheLastIsGone) {
    inside([&] {
        start();
        auto rules = small_rules();
        rules.routes[route_key("10.96.0.1", 81)] = {function("caller"), {}};
        apply(rules);
        const auto open = tables();
        df_addr address{};
        std::ranges::copy(ip("10.96.0.1").bytes(), address.bytes);
        const auto owner = [&] { return open.ip_id.get(address).value(); };
        ASSERT_TRUE(owner());
        rules.routes.erase(route_key("10.96.0.1"));
        apply(rules);
        ASSERT_TRUE(owner());
        EXPECT_EQ(owner()->kind, static_cast<unsigned>(DF_ADDR_VIP));
        rules.routes.clear();
        apply(rules);
        EXPECT_FALSE(owner());
    });
}

TEST_F(RulesTest, RulesAboutUnknownIdentitiesAreNamed) {
    inside([&] {
        start();
        model::RuleDelta delta;
        delta.addresses[ip("10.1.0.9")] = function("nobody");
        const auto address = backend().apply(delta);
        ASSERT_FALSE(address);
        EXPECT_THAT(address.error().text(), testing::HasSubstr("address 10.1.0.9"));
        EXPECT_THAT(address.error().text(), testing::HasSubstr("shop/nobody"));
        delta = {};
        delta.allowed.insert({function("nobody"), function("nobody")});
        const auto allowed = backend().apply(delta);
        ASSERT_FALSE(allowed);
        EXPECT_THAT(allowed.error().text(), testing::HasSubstr("shop/nobody → shop/nobody"));
    });
}

TEST_F(RulesTest, RemovingWhatIsNotThereIsNoError) {
    inside([&] {
        start();
        model::RuleDelta delta;
        delta.identities_removed.insert(function("nobody"));
        delta.addresses_removed.insert(ip("10.1.0.9"));
        delta.routes_removed.insert(route_key("10.96.0.9"));
        delta.revoked.insert({function("nobody"), function("nobody")});
        delta.detached.insert({"shop", "nobody"});
        const auto applied = backend().apply(delta);
        EXPECT_TRUE(applied) << applied.error().text();
        expect_dump({});
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
