// SPDX-License-Identifier: Apache-2.0
// An agent whose tables are laid out in another way than those of the agent before it. What that
// one left is what this one leaves, under another layout's name.
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/tcx.h"
#include "maps/config.h"
#include "test/backend/fixture.h"

namespace directfaas::backend::ebpf {
namespace {

class LayoutTest : public BackendTest, public testing::WithParamInterface<AttachMode> {
   protected:
    void SetUp() override {
        if (GetParam() == AttachMode::kTcx && !tcx::available()) {
            GTEST_SKIP() << "this kernel has no tcx";
        }
        options().attach = GetParam();
        ifindex_ = add_interface("pod0");
        rules_ = small_rules();
        rules_.attachments[{"shop", "caller-1"}] = {
            function("caller"), ifindex_, {ip("10.1.0.1")}, true};
    }

    [[nodiscard]] std::string other() const { return folder() + "/v999"; }
    /// An agent with the other layout has made the rules so, and ended.
    void leave_other_layout() {
        ASSERT_TRUE(start().apply(model::plan({}, rules_)));
        df_ct_key key{};
        key.ifindex = ifindex_;
        ASSERT_TRUE(tables().ct.put(key, df_ct{}));
        stop();
        std::filesystem::rename(folder() + "/v" + std::to_string(DF_LAYOUT_VERSION), other());
    }
    /// Its connections take more room than ours.
    void widen_connections() const {
        const util::UniqueFd table(bpf_map_create(BPF_MAP_TYPE_HASH, "ct", sizeof(df_ct_key),
                                                  sizeof(df_ct) + 8, 16, nullptr));
        ASSERT_TRUE(table.valid());
        std::filesystem::remove(other() + "/ct");
        ASSERT_EQ(bpf_obj_pin(table.get(), (other() + "/ct").c_str()), 0);
    }
    [[nodiscard]] std::size_t running(Hook hook) const {
        std::size_t count = tcx::running(ifindex_, hook).size();
        for (const auto& filter : clsact::filters(ifindex_, hook)) {
            count += filter.kind == "bpf" ? 1 : 0;
        }
        return count;
    }
    void expect_one_pair() const {
        EXPECT_EQ(running(Hook::kIngress), 1U);
        EXPECT_EQ(running(Hook::kEgress), 1U);
    }
    model::RuleSet dumped() {
        const auto rules = backend().dump();
        EXPECT_TRUE(rules) << rules.error().text();
        return rules ? *rules : model::RuleSet{};
    }

    unsigned ifindex_ = 0;
    model::RuleSet rules_;
};

TEST_P(LayoutTest, RulesAndConnectionsGoOn) {
    inside([&] {
        leave_other_layout();
        start();
        EXPECT_EQ(dumped(), rules_);
        expect_one_pair();
        df_ct_key key{};
        key.ifindex = ifindex_;
        EXPECT_TRUE(tables().ct.get(key).value().has_value());
        EXPECT_FALSE(std::filesystem::exists(other()));
    });
}

/// Nothing is unenforced in between: the programs of before stay until rules come.
TEST_P(LayoutTest, WhatCannotGoOnIsReplacedByTheFirstRules) {
    inside([&] {
        leave_other_layout();
        widen_connections();
        start();
        expect_one_pair();
        const auto left = dumped();
        EXPECT_TRUE(left.identities.empty());
        ASSERT_TRUE(left.attachments.contains({"shop", "caller-1"}));
        EXPECT_EQ(left.attachments.at({"shop", "caller-1"}).ifindex, ifindex_);
        EXPECT_FALSE(std::filesystem::exists(other()));

        ASSERT_TRUE(backend().apply(model::plan(left, rules_)));
        expect_one_pair();
        EXPECT_EQ(dumped(), rules_);
        start();
        EXPECT_EQ(dumped(), rules_);
        expect_one_pair();
    });
}

TEST_P(LayoutTest, WhatNoRuleNamesAnyMoreIsDetached) {
    inside([&] {
        leave_other_layout();
        widen_connections();
        start();
        ASSERT_TRUE(backend().apply(model::plan(dumped(), small_rules())));
        EXPECT_EQ(running(Hook::kIngress), 0U);
        EXPECT_EQ(running(Hook::kEgress), 0U);
        EXPECT_EQ(dumped(), small_rules());
    });
}

TEST_P(LayoutTest, RemovalTakesWhatWasTakenOver) {
    inside([&] {
        leave_other_layout();
        widen_connections();
        start();
        ASSERT_TRUE(backend().remove());
        EXPECT_EQ(running(Hook::kIngress), 0U);
        EXPECT_EQ(running(Hook::kEgress), 0U);
        EXPECT_FALSE(std::filesystem::exists(folder()));
        stop();
    });
}

/// A process that was killed between taking the tables and taking the links.
TEST_P(LayoutTest, ATakeoverThatWasCutShortGoesOn) {
    inside([&] {
        leave_other_layout();
        const std::string own = folder() + "/v" + std::to_string(DF_LAYOUT_VERSION);
        for (const auto& made : {own, own + "/prog", own + "/link"}) {
            std::filesystem::create_directory(made);
        }
        for (const auto& entry : std::filesystem::directory_iterator(other())) {
            if (!entry.is_directory()) {
                const util::UniqueFd table(bpf_obj_get(entry.path().c_str()));
                ASSERT_EQ(
                    bpf_obj_pin(table.get(),
                                (std::filesystem::path(own) / entry.path().filename()).c_str()),
                    0);
            }
        }
        start();
        EXPECT_EQ(dumped(), rules_);
        expect_one_pair();
        EXPECT_FALSE(std::filesystem::exists(other()));
    });
}

INSTANTIATE_TEST_SUITE_P(Attach, LayoutTest, testing::Values(AttachMode::kTcx, AttachMode::kClsact),
                         [](const auto& mode) {
                             return mode.param == AttachMode::kTcx ? "tcx" : "clsact";
                         });

}  // namespace
}  // namespace directfaas::backend::ebpf
