// SPDX-License-Identifier: Apache-2.0
// Which state of an object is in force.
#include "lib/kube/origins.h"

#include <gmock/gmock.h>

#include "lib/kube/node_state.h"
#include "lib/model/model.h"

namespace directfaas::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* kChain = "FunctionChain shop/app";

class OriginsTest : public testing::Test {
   protected:
    void put(const std::string& name, std::int64_t generation, const std::string& spec,
             const std::string& accepted = "") {
        put_kind(Kind::kFunctionChain, name, generation,
                 R"({"metadata":{"namespace":"shop","name":")" + name + R"("},"spec":)" + spec +
                     (accepted.empty() ? "" : R"(,"status":{"accepted":)" + accepted + "}") + "}");
    }
    void put_kind(Kind kind, const std::string& name, std::int64_t generation,
                  const std::string& text) {
        const ObjectKey key{"shop", name};
        origins_.put(origin_of(kind, key), to_model(kind, {.key = key,
                                                           .uid = "u",
                                                           .resource_version = "1",
                                                           .generation = generation,
                                                           .text = text}));
        origins_.settle();
    }
    std::int64_t in_force(const std::string& origin = kChain) const {
        const auto* found = origins_.in_force(origin);
        return found == nullptr ? -1 : found->generation;
    }
    bool allowed(const std::string& from, const std::string& to) const {
        return model_.rules().allowed.contains({{model::IdentityKind::kFunction, {"shop", from}},
                                                {model::IdentityKind::kFunction, {"shop", to}}});
    }

    static constexpr const char* kGood =
        R"({"functions":[{"name":"a"},{"name":"b"}],"edges":[{"from":"a","to":"b"}]})";
    static constexpr const char* kCycle =
        R"({"functions":[{"name":"a"},{"name":"b"}],"edges":[{"from":"a","to":"b"},{"from":"b","to":"a"}]})";
    static constexpr const char* kWrong = R"({"egdes":[]})";

    model::Model model_{model::NodeSettings{}};
    Origins origins_{[this](std::vector<model::OriginContent> contents) {
        auto taken = model_.replace_all(std::move(contents));
        return taken ? std::vector<model::Problem>{} : taken.error();
    }};
};

TEST_F(OriginsTest, ARefusedGenerationLeavesTheOneBefore) {
    put("app", 1, kGood);
    EXPECT_EQ(in_force(), 1);
    for (const auto* spec : {kCycle, kWrong}) {
        put("app", 2, spec);
        EXPECT_EQ(in_force(), 1);
        EXPECT_TRUE(allowed("a", "b"));
        EXPECT_EQ(origins_.problems_of(kChain).size(), 1U);
    }
    put("app", 3, kGood);
    EXPECT_EQ(in_force(), 3);
    EXPECT_THAT(origins_.in_force(Kind::kFunctionChain),
                ElementsAre(Pair(ObjectKey{"shop", "app"}, InForce{3, "u"})));
    EXPECT_THAT(origins_.problems_of(kChain), IsEmpty());
}

TEST_F(OriginsTest, ANewProcessTakesWhatWasAcceptedLast) {
    const auto accepted = R"({"generation":4,"spec":)" + std::string(kGood) + "}";
    for (const auto* spec : {kCycle, kWrong}) {
        put("app", 5, spec, accepted);
        EXPECT_EQ(in_force(), 4);
        EXPECT_TRUE(allowed("a", "b"));
        EXPECT_EQ(origins_.problems_of(kChain).size(), 1U) << "the newest is still wrong";
        origins_.remove(kChain);
        origins_.settle();
        EXPECT_EQ(in_force(), -1);
        EXPECT_FALSE(allowed("a", "b"));
    }
}

TEST_F(OriginsTest, WhatWasAcceptedLastDoesNotStandInForWhatIsInForce) {
    put("app", 5, R"({"functions":[{"name":"c"}]})");
    put("app", 6, kCycle, R"({"generation":4,"spec":)" + std::string(kGood) + "}");
    EXPECT_EQ(in_force(), 5);
    EXPECT_FALSE(allowed("a", "b"));
}

TEST_F(OriginsTest, OnceTheNewestIsRightItTakesOver) {
    put("app", 5, R"({"functions":[{"name":"a"}],"edges":[{"from":"a","to":"x"}]})",
        R"({"generation":4,"spec":)" + std::string(kGood) + "}");
    EXPECT_EQ(in_force(), 4);
    put("other", 1, R"({"functions":[{"name":"x"}]})");
    EXPECT_EQ(in_force(), 5);
    EXPECT_TRUE(allowed("a", "x"));
}

TEST_F(OriginsTest, AnOpenFaasFunctionIsThereBeforeItsCallees) {
    const auto service = [](const std::string& name, const std::string& vip,
                            const std::string& invokes) {
        return R"({"metadata":{"namespace":"shop","name":")" + name +
               R"(","annotations":{"directfaas.io/invokes":")" + invokes +
               R"("}},"spec":{"clusterIP":")" + vip + R"(","selector":{"faas_function":")" + name +
               R"("},"ports":[{"name":"http","port":8080}]}})";
    };
    put_kind(Kind::kService, "a", 0, service("a", "10.96.0.1", "b"));
    EXPECT_EQ(in_force("Service shop/a"), 0);
    EXPECT_EQ(model_.rules().routes.size(), 1U);
    ASSERT_EQ(origins_.problems().size(), 1U);
    EXPECT_THAT(origins_.problems().front().text(), HasSubstr("names b"));
    put_kind(Kind::kService, "b", 0, service("b", "10.96.0.2", ""));
    EXPECT_TRUE(allowed("a", "b"));
    EXPECT_THAT(origins_.problems(), IsEmpty());
    put_kind(Kind::kService, "a", 0, service("a", "10.96.0.1", ""));
    EXPECT_FALSE(allowed("a", "b"));
    origins_.remove("Service shop/a");
    origins_.settle();
    EXPECT_EQ(model_.rules().routes.size(), 1U);
}

TEST(Origin, NamesItsObject) {
    EXPECT_EQ(key_of(Kind::kFunctionChain, kChain), (ObjectKey{"shop", "app"}));
    EXPECT_EQ(key_of(Kind::kService, kChain), std::nullopt);
    EXPECT_EQ(key_of(Kind::kFunctionChain, "FunctionChain"), std::nullopt);
}

TEST(NodeState, ReadsWhatItWrites) {
    NodeState state{.version = "1",
                    .backend = "ovs",
                    .ready = true,
                    .attached_pods = 3,
                    .unattached_pods = 1,
                    .problem_count = 2,
                    .problems = {{"Service a/b", false, "m"}, {"FunctionChain a/c", true, "n"}},
                    .chains = {{"a", "c", "u", 7}}};
    const auto text = node_state_text("n1", state, "2026-11-24T09:00:00Z");
    const auto read =
        read_node_state({.key = {"", "n1"}, .uid = "", .resource_version = "", .text = text});
    EXPECT_EQ(read.node, "n1");
    EXPECT_EQ(read.observed_at, "2026-11-24T09:00:00Z");
    EXPECT_EQ(read.state, state);
}

TEST(NodeState, WhatIsNotUnderstoodIsEmpty) {
    for (const std::string text : {"", "[]", "{}", R"({"state":[]})", R"({"state":{"chains":{}}})",
                                   R"({"state":{"ready":"yes","problems":[1],"chains":[[]]}})"}) {
        const auto read =
            read_node_state({.key = {"", "n1"}, .uid = "", .resource_version = "", .text = text});
        EXPECT_EQ(read.state, NodeState{}) << text;
    }
}

}  // namespace
}  // namespace directfaas::kube
