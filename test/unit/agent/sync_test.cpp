// SPDX-License-Identifier: Apache-2.0
// The synchronizer against a backend in memory: what reaches it, when, and what happens when it
// refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "agent/sync/synchronizer.h"
#include "test/support/memory_backend.h"
#include "test/unit/agent/pump.h"
#include "test/unit/agent/shop.h"

namespace directfaas::sync {
namespace {

using namespace agent_test;
using std::chrono::milliseconds;
using testing::HasSubstr;

SyncOptions quick() {
    return {.retry_first = milliseconds(1),
            .retry_max = milliseconds(8),
            .compare_period = milliseconds(3600000),
            .seed = 1};
}

class SynchronizerTest : public testing::Test {
   protected:
    void SetUp() override { make(); }

    /// A new process: the backend keeps what is installed.
    void make() {
        sync_ = std::make_unique<Synchronizer>(
            *loop_, backend_, model::Model({.node_name = "n", .pod_networks = {}}), quick());
        sync_->on_applied([this](const auto& delta, const auto&) { told_.push_back(delta); });
    }
    void load_shop() {
        const auto problems = sync_->replace_all(shop_files());
        ASSERT_TRUE(problems.empty()) << problems.front().text();
    }
    void start_with_shop() {
        load_shop();
        sync_->start();
        ASSERT_EQ(backend_.rules, sync_->model().rules());
        backend_.applied.clear();
        told_.clear();
    }
    void replace(const std::string& origin, std::vector<model::Object> objects) {
        const auto problems = sync_->replace_all({{origin, std::move(objects)}});
        ASSERT_TRUE(problems.empty()) << problems.front().text();
    }
    bool converges() {
        return pump_until(*loop_, [this] {
            return sync_->status().in_sync && backend_.rules == sync_->model().rules();
        });
    }

    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    support::MemoryBackend backend_;
    std::unique_ptr<Synchronizer> sync_;
    std::vector<model::RuleDelta> told_;
};

TEST_F(SynchronizerTest, AppliesNothingBeforeTheStart) {
    load_shop();
    sync_->set_link(shop("front-1"), model::Link{7, true});
    pump(*loop_);
    EXPECT_TRUE(backend_.applied.empty());
    EXPECT_FALSE(sync_->status().in_sync);
    EXPECT_FALSE(sync_->status().last_success);
    sync_->start();
    EXPECT_EQ(backend_.rules, sync_->model().rules());
    EXPECT_EQ(backend_.rules.attachments.size(), 1U);
    EXPECT_TRUE(sync_->status().in_sync);
    EXPECT_TRUE(sync_->status().last_success);
}

TEST_F(SynchronizerTest, ChangesOfOneTurnAreOneDelta) {
    start_with_shop();
    replace("front.yaml",
            {service("front", "10.96.0.1"), slice("front", {"10.1.0.1", "10.1.0.3"})});
    replace("back.yaml", {service("back", "10.96.0.2"), slice("back", {"10.1.0.4"})});
    EXPECT_TRUE(backend_.applied.empty()) << "applied before the turn ended";
    pump(*loop_);
    EXPECT_EQ(backend_.applied.size(), 1U);
    EXPECT_EQ(backend_.rules, sync_->model().rules());
    EXPECT_EQ(told_.size(), 1U);
}

TEST_F(SynchronizerTest, LinksFoundForNewPodsComeWithTheirRules) {
    start_with_shop();
    sync_->on_objects_changed([this] {
        for (const auto& local : sync_->model().local_pods()) {
            sync_->set_link(local.name,
                            model::Link{static_cast<unsigned>(local.ips[0].bytes()[15]), true});
        }
    });
    replace("more.yaml", {pod("back-2", "back", "10.1.0.9")});
    pump(*loop_);
    ASSERT_EQ(backend_.applied.size(), 1U);
    EXPECT_EQ(backend_.rules.attachments.at(shop("back-2")).ifindex, 9U);
}

TEST_F(SynchronizerTest, ARefusedChangeLeavesRulesAndBackendAlone) {
    start_with_shop();
    const auto before = backend_.rules;
    const auto problems = sync_->replace_all({{"chain.yaml", {chain({{"front", "nobody"}})}}});
    ASSERT_FALSE(problems.empty());
    pump(*loop_);
    EXPECT_TRUE(backend_.applied.empty());
    EXPECT_EQ(backend_.rules, before);
    EXPECT_TRUE(sync_->status().in_sync);
}

TEST_F(SynchronizerTest, RetriesUntilTheBackendTakesIt) {
    start_with_shop();
    backend_.fail_applies(5, {0, "no memory"});
    replace("back.yaml", {service("back", "10.96.0.2"), slice("back", {"10.1.0.4"})});
    pump(*loop_);
    const auto status = sync_->status();
    EXPECT_FALSE(status.in_sync);
    EXPECT_THAT(status.last_error, HasSubstr("no memory"));
    EXPECT_GE(status.failed, 1U);
    ASSERT_TRUE(converges());
    EXPECT_GE(sync_->status().resyncs, 1U);
    EXPECT_EQ(sync_->status().last_error, "");
}

TEST_F(SynchronizerTest, OneBadRuleDoesNotKeepTheOthersOut) {
    start_with_shop();
    const model::AllowKey edge{function("front"), function("back")};
    ASSERT_TRUE(backend_.rules.allowed.contains(edge));
    backend_.refuse_route(route("10.96.0.1"));
    replace("front.yaml", {service("front", "10.96.0.1"), slice("front", {"10.1.0.3"})});
    replace("back.yaml", {service("back", "10.96.0.2"), slice("back", {"10.1.0.4"})});
    replace("chain.yaml", {chain({})});
    pump(*loop_);
    EXPECT_FALSE(backend_.rules.allowed.contains(edge)) << "a revocation had to wait";
    const auto& wanted = sync_->model().rules();
    EXPECT_EQ(backend_.rules.routes.at(route("10.96.0.2")), wanted.routes.at(route("10.96.0.2")));
    EXPECT_NE(backend_.rules.routes.at(route("10.96.0.1")), wanted.routes.at(route("10.96.0.1")));
    EXPECT_EQ(backend_.rules.addresses, wanted.addresses) << "removals come through too";
    EXPECT_FALSE(sync_->status().in_sync);
    EXPECT_THAT(sync_->status().last_error, HasSubstr("route 10.96.0.1:80/TCP"));
    backend_.refuse_route(std::nullopt);
    EXPECT_TRUE(converges());
}

TEST_F(SynchronizerTest, ChangesGoOnWhileARuleIsRefused) {
    start_with_shop();
    backend_.refuse_route(route("10.96.0.1"));
    replace("front.yaml", {service("front", "10.96.0.1"), slice("front", {"10.1.0.3"})});
    pump(*loop_);
    ASSERT_FALSE(sync_->status().in_sync);
    replace("back.yaml", {service("back", "10.96.0.2"), slice("back", {"10.1.0.4"})});
    pump(*loop_);
    EXPECT_EQ(backend_.rules.routes.at(route("10.96.0.2")),
              sync_->model().rules().routes.at(route("10.96.0.2")));
    EXPECT_FALSE(sync_->status().in_sync) << "success of another change hides the failure";
}

TEST_F(SynchronizerTest, ARestartWithTheSameManifestsChangesNothing) {
    start_with_shop();
    const auto before = backend_.rules;
    make();
    load_shop();
    sync_->start();
    EXPECT_TRUE(backend_.applied.empty());
    EXPECT_EQ(backend_.rules, before);
    EXPECT_TRUE(sync_->status().in_sync);
    EXPECT_EQ(told_.size(), 1U) << "others must hear that rules are in force";
}

TEST_F(SynchronizerTest, ARestartConvergesFromWhateverIsInstalled) {
    start_with_shop();
    backend_.rules.allowed.insert({function("back"), function("front")});
    backend_.rules.addresses[ip("10.1.0.77")] = function("back");
    backend_.rules.routes.erase(route("10.96.0.1"));
    const auto kept = backend_.rules.routes.at(route("10.96.0.2"));
    make();
    load_shop();
    sync_->start();
    EXPECT_EQ(backend_.rules, sync_->model().rules());
    ASSERT_EQ(backend_.applied.size(), 1U);
    EXPECT_FALSE(backend_.applied[0].routes.contains(route("10.96.0.2")))
        << "untouched: " << kept.endpoints.size();
    EXPECT_TRUE(backend_.applied[0].routes_removed.empty());
}

TEST_F(SynchronizerTest, AdoptionIsRememberedOverARestart) {
    load_shop();
    sync_->set_link(shop("front-1"), model::Link{7, false});
    sync_->set_link(shop("back-1"), model::Link{8, true});
    sync_->start();
    ASSERT_FALSE(backend_.rules.attachments.at(shop("front-1")).adopted);
    make();
    load_shop();
    sync_->set_link(shop("front-1"), model::Link{7, true});  // now it has carrier
    sync_->set_link(shop("back-1"), model::Link{9, false});  // another interface than before
    sync_->start();
    EXPECT_FALSE(backend_.rules.attachments.at(shop("front-1")).adopted);
    EXPECT_FALSE(backend_.rules.attachments.at(shop("back-1")).adopted);
    EXPECT_EQ(backend_.rules, sync_->model().rules());
}

TEST_F(SynchronizerTest, WhatCannotBeReadBackIsTriedAgain) {
    backend_.fail_dump(util::Error{0, "maps are gone"});
    load_shop();
    sync_->start();
    EXPECT_TRUE(sync_->status().started);
    EXPECT_FALSE(sync_->status().in_sync);
    EXPECT_TRUE(backend_.applied.empty());
    backend_.fail_dump(std::nullopt);
    EXPECT_TRUE(converges());
}

TEST_F(SynchronizerTest, DriftIsFoundAndRepaired) {
    start_with_shop();
    sync_->compare();
    EXPECT_TRUE(backend_.applied.empty());
    EXPECT_EQ(sync_->status().drifts, 0U);
    backend_.rules.allowed.clear();
    backend_.rules.routes[route("10.96.0.2")].endpoints.clear();
    sync_->compare();
    EXPECT_EQ(backend_.rules, sync_->model().rules());
    EXPECT_EQ(sync_->status().drifts, 1U);
    EXPECT_TRUE(sync_->status().in_sync);
}

TEST_F(SynchronizerTest, ComparisonIsRepeated) {
    auto options = quick();
    options.compare_period = milliseconds(1);
    Synchronizer sync(*loop_, backend_, model::Model({.node_name = "n", .pod_networks = {}}),
                      options);
    ASSERT_TRUE(sync.replace_all(shop_files()).empty());
    sync.start();
    backend_.rules = {};
    EXPECT_TRUE(pump_until(*loop_, [&] { return backend_.rules == sync.model().rules(); }));
}

/// A pod ends, another one starts and gets the number of its interface: all in one turn.
TEST_F(SynchronizerTest, AReusedInterfaceNumberIsDetachedFirst) {
    load_shop();
    sync_->set_link(shop("front-1"), model::Link{7, true});
    sync_->start();
    backend_.applied.clear();
    sync_->set_link(shop("front-1"), std::nullopt);
    sync_->set_link(shop("back-1"), model::Link{7, false});
    pump(*loop_);
    ASSERT_EQ(backend_.applied.size(), 2U);
    EXPECT_EQ(backend_.applied[0].detached, std::set{shop("front-1")});
    EXPECT_TRUE(backend_.applied[0].attachments.empty());
    EXPECT_TRUE(backend_.applied[1].attachments.contains(shop("back-1")));
    EXPECT_EQ(backend_.rules, sync_->model().rules());
}

/// Whatever fails, in whatever order: in the end the backend has what the model wants.
TEST_F(SynchronizerTest, ConvergesAfterRandomFailures) {
    std::mt19937 random(20261124);
    start_with_shop();
    for (int round = 0; round < 200; ++round) {
        if (random() % 3 == 0) {
            backend_.fail_applies(random() % 6, {0, "failure " + std::to_string(random() % 4)});
        }
        const auto address = "10.1.0." + std::to_string(1 + random() % 9);
        const std::string name = random() % 2 == 0 ? "front" : "back";
        replace(name + ".yaml", {service(name, name == "front" ? "10.96.0.1" : "10.96.0.2"),
                                 slice(name, {address})});
        if (random() % 2 == 0) {
            replace("chain.yaml", {random() % 2 == 0 ? chain({}) : chain({{"front", "back"}})});
        }
        if (random() % 2 == 0) {
            pump(*loop_);
        }
    }
    backend_.fail_applies(0, {});
    EXPECT_TRUE(converges());
    EXPECT_GT(backend_.failed_applies, 0U);
}

}  // namespace
}  // namespace directfaas::sync
