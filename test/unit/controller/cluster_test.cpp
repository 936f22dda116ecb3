// SPDX-License-Identifier: Apache-2.0
// From objects of a cluster to the status of a chain.
#include "controller/cluster.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace directfaas::controller {
namespace {

using kube::ObjectKey;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kNow = "2026-11-24T09:00:00Z";
constexpr const char* kLater = "2026-11-24T10:00:00Z";
const ObjectKey kApp{"shop", "app"};

class ClusterTest : public testing::Test {
   protected:
    static std::string spec(const std::string& edges) {
        return R"({"functions":[{"name":"a"},{"name":"b"}],"edges":[)" + edges +
               R"(],"entries":[{"name":"gw","selector":{"matchLabels":{"app":"gw"}}}]})";
    }
    static constexpr const char* kAb = R"({"from":"a","to":"b"})";
    static constexpr const char* kBa = R"({"from":"b","to":"a"})";

    kube::RawObject raw(const std::string& name, std::int64_t generation, std::string text) {
        texts_.push_back(std::make_unique<std::string>(std::move(text)));
        return {.key = {"shop", name},
                .uid = "uid-" + name,
                .resource_version = "1",
                .generation = generation,
                .text = *texts_.back()};
    }
    void chain(std::int64_t generation, const std::string& spec, const std::string& status = "{}") {
        cluster_.put_chain(
            kApp, read_chain(raw("app", generation,
                                 fmt::format(R"({{"metadata":{{"namespace":"shop","name":"app"}},)"
                                             R"("spec":{},"status":{}}})",
                                             spec, status))));
    }
    void service(const std::string& name, const std::string& vip) {
        const auto text = fmt::format(
            R"({{"metadata":{{"namespace":"shop","name":"{0}"}},"spec":{{"clusterIP":"{1}",)"
            R"("selector":{{"app":"{0}"}},"ports":[{{"name":"http","port":80}}]}}}})",
            name, vip);
        cluster_.put_service({"shop", name},
                             kube::to_model(kube::Kind::kService, raw(name, 0, text)));
    }
    void slice(const std::string& service, const std::string& address, const std::string& node) {
        const auto text =
            fmt::format(R"({{"metadata":{{"namespace":"shop","name":"{0}-1","labels":{{)"
                        R"("kubernetes.io/service-name":"{0}"}}}},"addressType":"IPv4",)"
                        R"("ports":[{{"name":"http","port":8080}}],)"
                        R"("endpoints":[{{"addresses":["{1}"],"nodeName":"{2}"}}]}})",
                        service, address, node);
        cluster_.put_slice({"shop", service + "-1"}, read_slice(raw(service + "-1", 0, text)));
    }
    void node(const std::string& name, std::int64_t generation,
              const std::string& uid = "uid-app") {
        kube::NodeState state;
        state.ready = true;
        state.chains = {{"shop", "app", uid, generation}};
        cluster_.put_node(name, state);
    }
    /// What is to be written now; then it is.
    std::optional<ChainStatus> judge(const std::string& now = kNow) {
        cluster_.settle();
        const auto due = cluster_.due(now);
        if (due.empty()) {
            return std::nullopt;
        }
        EXPECT_EQ(due.size(), 1U);
        return due.front().now;
    }
    static std::string brief(const std::optional<ChainStatus>& status, const char* type) {
        const auto* found = status ? status->condition(type) : nullptr;
        return found == nullptr ? "nothing" : found->status + " " + found->reason;
    }

    std::vector<std::unique_ptr<std::string>> texts_;
    Cluster cluster_;
};

TEST_F(ClusterTest, ADanglingChainIsAcceptedAndNotResolved) {
    chain(1, spec(kAb));
    const auto status = judge();
    EXPECT_EQ(brief(status, "Accepted"), "True Accepted");
    EXPECT_EQ(brief(status, "ResolvedRefs"), "False ServiceNotFound");
    EXPECT_EQ(brief(status, "Programmed"), "True NoPods");
    EXPECT_EQ(status->nodes, "0/0");
    EXPECT_EQ(status->function_count, 2);
    EXPECT_EQ(status->edge_count, 1);
    EXPECT_EQ(status->accepted->generation, 1);
}

TEST_F(ClusterTest, EveryNodeWithAPodMustHaveThisGeneration) {
    service("a", "10.96.0.1");
    service("b", "10.96.0.2");
    slice("a", "10.244.1.1", "n1");
    slice("b", "10.244.2.1", "n2");
    cluster_.put_pod({"shop", "gw-0"}, PodPlace{{{"app", "gw"}}, "n3"});
    cluster_.put_pod({"shop", "else-0"}, PodPlace{{{"app", "else"}}, "n4"});
    chain(2, spec(kAb));
    node("n1", 2);
    node("n2", 1);
    auto status = judge();
    EXPECT_EQ(brief(status, "ResolvedRefs"), "True ResolvedRefs");
    EXPECT_EQ(brief(status, "Programmed"), "False Pending");
    EXPECT_EQ(status->nodes, "1/3");
    EXPECT_THAT(status->condition("Programmed")->message,
                AllOf(HasSubstr("n2 (has generation 1)"), HasSubstr("n3 (no agent has reported)")));
    EXPECT_EQ(status->functions.front(), (std::pair<std::string, std::string>{"a", "10.96.0.1"}));

    node("n2", 2);
    node("n3", 2, "an earlier chain of this name");
    EXPECT_EQ(judge()->nodes, "2/3");
    node("n3", 2);
    status = judge();
    EXPECT_EQ(brief(status, "Programmed"), "True Programmed");
    EXPECT_EQ(cluster_.figures().programmed, 1U);
    EXPECT_EQ(cluster_.figures().nodes_ready, 3U);
}

TEST_F(ClusterTest, WhatANodeSaysIsWrongIsInTheMessage) {
    slice("a", "10.244.1.1", "n1");
    service("a", "10.96.0.1");
    chain(1, spec(kAb));
    kube::NodeState state;
    state.problems = {{"FunctionChain shop/app", true, "vIP 10.96.0.1 is inside pod network x"}};
    cluster_.put_node("n1", state);
    EXPECT_THAT(judge()->condition("Programmed")->message,
                HasSubstr("n1 (vIP 10.96.0.1 is inside"));
}

TEST_F(ClusterTest, ACycleKeepsTheLastGenerationInForce) {
    chain(1, spec(kAb));
    judge();
    chain(2, spec(std::string(kAb) + "," + kBa));
    const auto status = judge();
    EXPECT_EQ(brief(status, "Accepted"), "False CycleDetected");
    EXPECT_EQ(brief(status, "Programmed"), "False NotAccepted");
    EXPECT_THAT(status->condition("Accepted")->message,
                AllOf(HasSubstr("a→b→a"), HasSubstr("generation 1 stays in force")));
    EXPECT_EQ(status->accepted->generation, 1);
    EXPECT_THAT(status->accepted->spec, HasSubstr(R"([{"from":"a","to":"b"}])"));
    EXPECT_EQ(status->observed_generation, 2);
}

TEST_F(ClusterTest, WhatAnotherControllerAcceptedStaysInForce) {
    chain(2, spec(std::string(kAb) + "," + kBa),
          R"({"accepted":{"generation":1,"spec":)" + spec(kAb) + "}}");
    const auto status = judge();
    EXPECT_EQ(brief(status, "Accepted"), "False CycleDetected");
    EXPECT_THAT(status->condition("Accepted")->message, HasSubstr("generation 1 stays in force"));
    EXPECT_EQ(status->accepted->generation, 1);
    chain(3, spec(kBa));
    EXPECT_EQ(judge()->accepted->generation, 3);
}

TEST_F(ClusterTest, AnEdgeToAFunctionOfAnotherChainWaitsForIt) {
    chain(1, R"({"functions":[{"name":"a"}],"edges":[{"from":"a","to":"x"}]})");
    auto status = judge();
    EXPECT_EQ(brief(status, "Accepted"), "False UnknownFunction");
    EXPECT_EQ(brief(status, "ResolvedRefs"), "Unknown NotAccepted");
    EXPECT_FALSE(status->accepted);
    EXPECT_THAT(status->condition("Accepted")->message,
                HasSubstr("nothing of the chain is in force"));
    service("x", "10.96.0.9");
    cluster_.put_chain({"shop", "other"},
                       read_chain(raw("other", 1,
                                      R"({"metadata":{"namespace":"shop","name":"other"},)"
                                      R"("spec":{"functions":[{"name":"x"}]}})")));
    cluster_.settle();
    for (const auto& due : cluster_.due(kNow)) {
        EXPECT_EQ(due.now.condition("Accepted")->status, "True") << due.key.text();
    }
}

TEST_F(ClusterTest, AWrittenStatusIsNotDueAgainAndKeepsItsTimes) {
    chain(1, spec(kAb));
    const auto first = judge(kNow);
    auto back = raw("app", 1, status_text(kApp, "uid-app", *first));
    auto object = std::string(back.text);
    object.insert(object.size() - 1, R"(,"spec":)" + spec(kAb));
    cluster_.put_chain(kApp, read_chain(raw("app", 1, object)));
    EXPECT_EQ(judge(kLater), std::nullopt);
    service("a", "10.96.0.1");
    service("b", "10.96.0.2");
    const auto second = judge(kLater);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->condition("ResolvedRefs")->last_transition, kLater);
    EXPECT_EQ(second->condition("Accepted")->last_transition, kNow);
}

TEST_F(ClusterTest, WhatIsGoneIsForgotten) {
    chain(1, spec(kAb));
    slice("a", "10.244.1.1", "n1");
    judge();
    cluster_.put_chain(kApp, std::nullopt);
    cluster_.put_slice({"shop", "a-1"}, std::nullopt);
    EXPECT_EQ(judge(), std::nullopt);
    EXPECT_EQ(cluster_.figures().chains, 0U);
    chain(1, spec(kAb));
    EXPECT_EQ(judge()->nodes, "0/0");
}

TEST(PodPlace, AnEndedPodIsNowhere) {
    const auto read = [](const std::string& text) {
        return read_pod_place({.key = {"x", "y"}, .uid = "", .resource_version = "", .text = text});
    };
    const auto running = read(
        R"({"metadata":{"labels":{"app":"gw"}},"spec":{"nodeName":"n1"},"status":{"phase":"Running"}})");
    EXPECT_EQ(running.node, "n1");
    EXPECT_EQ(running.labels, (model::Labels{{"app", "gw"}}));
    EXPECT_THAT(
        read(R"({"metadata":{},"spec":{"nodeName":"n1"},"status":{"phase":"Failed"}})").node,
        IsEmpty());
}

}  // namespace
}  // namespace directfaas::controller
