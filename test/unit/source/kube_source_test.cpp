// SPDX-License-Identifier: Apache-2.0
// What of a cluster one node's agent asks for, and what it makes of it.
#include "agent/source/kube_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include "lib/kube/httplib_transport.h"
#include "lib/model/model.h"
#include "test/unit/source/kube_cluster.h"

namespace directfaas::source {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* kFunctions =
    R"("functions":[{"name":"front","exposure":"Ingress"},{"name":"back"}])";
constexpr const char* kEdge = R"("edges":[{"from":"front","to":"back"}])";

std::string entry(const std::string& name, const std::string& app) {
    return fmt::format(R"({{"name":"{}","selector":{{"matchLabels":{{"app":"{}"}}}}}})", name, app);
}

std::string chain_with(const std::vector<std::string>& entries) {
    return fmt::format(R"({},{},"entries":[{}])", kFunctions, kEdge, fmt::join(entries, ","));
}

class KubeSourceTest : public testing::Test {
   protected:
    KubeSourceTest() {
        options_.node_name = "n1";
        options_.cluster = "the cluster";
        options_.make_transport = kube::transports_to(cluster_.access());
        options_.reflector.backoff = {.first = std::chrono::milliseconds{1},
                                      .max = std::chrono::milliseconds{10}};
    }
    void start() {
        source_ = std::make_unique<KubeSource>(
            *loop_, options_, [this](std::vector<model::OriginContent> contents) {
                sizes_.push_back(contents.size());
                auto replaced = model_.replace_all(std::move(contents));
                return replaced ? std::vector<model::Problem>{} : std::move(replaced.error());
            });
        ASSERT_TRUE(source_->start());
    }
    [[nodiscard]] bool becomes(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            EXPECT_TRUE(loop_->run_once(std::chrono::milliseconds{5}));
        }
        return true;
    }
    void expect_complete() {
        EXPECT_TRUE(becomes([&] { return source_->complete(); }));
    }
    [[nodiscard]] std::string problems() const {
        std::string all;
        for (const auto& problem : source_->problems()) {
            all += problem.text() + "\n";
        }
        return all;
    }
    /// "10.0.0.1 shop/front": whose each address is.
    [[nodiscard]] std::vector<std::string> addresses() const {
        std::vector<std::string> all;
        for (const auto& [address, owner] : model_.rules().addresses) {
            all.push_back(address.text() + " " + owner.text());
        }
        return all;
    }
    [[nodiscard]] bool knows(const std::string& line) const {
        const auto all = addresses();
        return std::ranges::find(all, line) != all.end();
    }
    [[nodiscard]] std::vector<std::string> local() const {
        std::vector<std::string> names;
        for (const auto& pod : model_.local_pods()) {
            names.push_back(pod.name.name);
        }
        return names;
    }
    /// A chain of two functions with an instance each, `back`'s on the other node.
    void fill() {
        cluster_.chain("c", chain_with({entry("gateway", "gateway")}));
        cluster_.service("front", "10.96.0.1");
        cluster_.service("back", "10.96.0.2");
        cluster_.slice("front", "10.244.1.1");
        cluster_.slice("back", "10.244.2.2");
        cluster_.pod("front-0", "front", "n1", "10.244.1.1");
        cluster_.pod("back-0", "back", "n2", "10.244.2.2");
        cluster_.pod("gateway-0", "gateway", "n2", "10.244.2.3");
        cluster_.pod("other-0", "other", "n2", "10.244.2.4");
    }

    KubeCluster cluster_;
    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    model::Model model_{{.node_name = "n1", .pod_networks = {}}};
    std::vector<std::size_t> sizes_;  // of what was offered
    KubeOptions options_;
    std::unique_ptr<KubeSource> source_;
};

TEST_F(KubeSourceTest, AsksOnlyForWhatTheNodeNeeds) {
    fill();
    start();
    expect_complete();
    const std::set<std::string> wanted{"apiservices",
                                       "endpointslices kubernetes.io/service-name",
                                       "functionchains",
                                       "networkpolicies",
                                       "pods spec.nodeName=n1",
                                       "services",
                                       "shop/pods app=gateway spec.nodeName!=n1"};
    EXPECT_TRUE(becomes([&] { return cluster_.watches() == wanted; }))
        << fmt::format("{}", cluster_.watches());
}

TEST_F(KubeSourceTest, KnowsItsOwnPodsAndWhoMayCallThem) {
    fill();
    start();
    expect_complete();
    EXPECT_THAT(local(), ElementsAre("front-0"));
    EXPECT_THAT(addresses(), UnorderedElementsAre("10.244.1.1 shop/front", "10.244.2.2 shop/back",
                                                  "10.244.2.3 shop/gateway (entry)"));
    EXPECT_EQ(model_.rules().routes.size(), 2U);
    EXPECT_EQ(problems(), "");
    EXPECT_EQ(source_->object_count(), 7U);  // the chain, 2 Services, 2 slices, 2 pods
}

TEST_F(KubeSourceTest, OffersNothingBeforeAllListsAreRead) {
    fill();
    cluster_.withhold("endpointslices");
    start();
    const std::set<std::string> others{
        "apiservices",           "functionchains", "networkpolicies",
        "pods spec.nodeName=n1", "services",       "shop/pods app=gateway spec.nodeName!=n1"};
    EXPECT_TRUE(becomes([&] { return cluster_.watches() == others; }));
    cluster_.pod("front-1", "front", "n1", "10.244.1.9");
    EXPECT_TRUE(loop_->run_once(std::chrono::milliseconds{5}));
    EXPECT_FALSE(source_->complete());
    EXPECT_TRUE(sizes_.empty());

    cluster_.allow("endpointslices");
    expect_complete();
    EXPECT_TRUE(becomes([&] { return local().size() == 2; }));
    EXPECT_GE(sizes_.front(), 7U) << "the first offer is the whole state";
}

TEST_F(KubeSourceTest, WaitsForTheEntriesPodsToo) {
    fill();
    cluster_.withhold("pods");
    start();
    EXPECT_TRUE(becomes([&] { return cluster_.watches().size() == 5; }));
    EXPECT_FALSE(source_->complete());
    cluster_.allow("pods");
    expect_complete();
    EXPECT_TRUE(knows("10.244.2.3 shop/gateway (entry)"));
}

TEST_F(KubeSourceTest, AnEmptyClusterIsComplete) {
    start();
    expect_complete();
    EXPECT_EQ(source_->object_count(), 0U);
}

TEST_F(KubeSourceTest, FollowsChanges) {
    fill();
    start();
    expect_complete();
    cluster_.pod("front-1", "front", "n1", "10.244.1.9");
    EXPECT_TRUE(becomes([&] { return local().size() == 2; }));
    cluster_.remove("pods", "shop", "front-0");
    EXPECT_TRUE(becomes([&] { return local() == std::vector<std::string>{"front-1"}; }));
    cluster_.chain("c", fmt::format("{}", kFunctions));
    EXPECT_TRUE(becomes([&] { return !knows("10.244.2.3 shop/gateway (entry)"); }));
    cluster_.remove("functionchains", "shop", "c");
    EXPECT_TRUE(becomes([&] { return model_.rules() == model::RuleSet{}; }));
}

TEST_F(KubeSourceTest, EntriesThatChangeChangeWhatIsWatched) {
    fill();
    cluster_.pod("proxy-0", "proxy", "n2", "10.244.2.7");
    start();
    expect_complete();
    cluster_.chain("c", chain_with({entry("gateway", "gateway"), entry("proxy", "proxy")}));
    EXPECT_TRUE(becomes([&] { return knows("10.244.2.7 shop/proxy (entry)"); }));
    EXPECT_TRUE(knows("10.244.2.3 shop/gateway (entry)"));
    cluster_.chain("c", chain_with({entry("proxy", "proxy")}));
    EXPECT_TRUE(becomes(
        [&] { return !cluster_.watches().contains("shop/pods app=gateway spec.nodeName!=n1"); }));
    EXPECT_TRUE(knows("10.244.2.7 shop/proxy (entry)"));
}

TEST_F(KubeSourceTest, ManyKindsOfEntriesShareOneWatchAndNoPodIsUnknownMeanwhile) {
    options_.max_entry_watches = 2;
    fill();
    start();
    expect_complete();
    const auto watches_gateways = [&] {
        return cluster_.watches().contains("shop/pods app=gateway spec.nodeName!=n1");
    };
    ASSERT_TRUE(becomes(watches_gateways));  // a list is read before its watch is open
    cluster_.withhold("pods");
    cluster_.chain("c",
                   chain_with({entry("gateway", "gateway"), entry("a", "a"), entry("b", "b")}));
    EXPECT_TRUE(becomes([&] { return model_.explain("shop/a", "shop/front", {}).has_value(); }));
    EXPECT_TRUE(knows("10.244.2.3 shop/gateway (entry)"));
    EXPECT_TRUE(watches_gateways());

    cluster_.allow("pods");
    const std::set<std::string> wanted{"endpointslices kubernetes.io/service-name",
                                       "apiservices",
                                       "functionchains",
                                       "networkpolicies",
                                       "pods spec.nodeName!=n1",
                                       "pods spec.nodeName=n1",
                                       "services"};
    EXPECT_TRUE(becomes([&] { return cluster_.watches() == wanted; }));
    EXPECT_TRUE(knows("10.244.2.3 shop/gateway (entry)"));
}

TEST_F(KubeSourceTest, AnEntrysPodThatIsScheduledHereBecomesLocal) {
    fill();
    start();
    expect_complete();
    cluster_.put("pods", "shop", "gateway-1",
                 {.labels = {{"app", "gateway"}},
                  .node = "",
                  .spec = R"("spec":{},"status":{"phase":"Pending"})"});
    EXPECT_TRUE(becomes([&] { return source_->object_count() == 8; }));
    cluster_.pod("gateway-1", "gateway", "n1", "10.244.1.5");
    EXPECT_TRUE(becomes([&] { return knows("10.244.1.5 shop/gateway (entry)"); }));
    EXPECT_THAT(local(), Contains("gateway-1"));
    cluster_.remove("pods", "shop", "gateway-1");
    EXPECT_TRUE(becomes([&] { return source_->object_count() == 7; }));
}

TEST_F(KubeSourceTest, ARefusedChainKeepsTheLastOneInForceAndIsTakenWhenMended) {
    fill();
    start();
    expect_complete();
    cluster_.chain(
        "c",
        fmt::format(R"({},"edges":[{{"from":"front","to":"back"}},{{"from":"back","to":"front"}}])",
                    kFunctions));
    EXPECT_TRUE(becomes([&] { return problems().contains("cycle"); }));
    EXPECT_THAT(problems(), HasSubstr("FunctionChain shop/c: error: "));
    EXPECT_TRUE(model_.explain("shop/front", "shop/back", {})->allowed);
    EXPECT_FALSE(model_.explain("shop/back", "shop/front", {})->allowed);

    cluster_.chain("c", fmt::format(R"({},"edges":[{{"from":"back","to":"front"}}])", kFunctions));
    EXPECT_TRUE(becomes([&] { return model_.explain("shop/back", "shop/front", {})->allowed; }));
    EXPECT_EQ(problems(), "");
}

TEST_F(KubeSourceTest, AChainThatIsNotUnderstoodKeepsTheLastOneInForce) {
    fill();
    start();
    expect_complete();
    cluster_.chain("c", std::string(kFunctions) + R"(,"limit":1)");
    EXPECT_TRUE(becomes([&] { return problems().contains("spec.limit is not a known field"); }));
    EXPECT_TRUE(model_.explain("shop/front", "shop/back", {})->allowed);
    EXPECT_TRUE(knows("10.244.2.3 shop/gateway (entry)"));
    cluster_.remove("functionchains", "shop", "c");
    EXPECT_TRUE(becomes([&] { return model_.rules() == model::RuleSet{}; }));
    EXPECT_EQ(problems(), "");
}

TEST_F(KubeSourceTest, ANetworkPolicyKeepsItsPodsOffTheFastPath) {
    fill();
    start();
    expect_complete();
    model_.set_link({"shop", "front-0"}, model::Link{7});
    const auto fast = [&] { return model_.rules().attachments.at({"shop", "front-0"}).fast_path; };
    EXPECT_TRUE(fast());
    cluster_.put("networkpolicies", "shop", "deny",
                 {.labels = {}, .node = "", .spec = R"("spec":{"podSelector":{}})"});
    EXPECT_TRUE(becomes([&] { return !fast(); }));
    cluster_.remove("networkpolicies", "shop", "deny");
    EXPECT_TRUE(becomes(fast));
}

TEST_F(KubeSourceTest, PoliciesThatAreNotFollowedAreTold) {
    fill();
    cluster_.withhold("apiservices");
    start();
    expect_complete();
    EXPECT_THAT(source_->unseen_policies(), HasSubstr("not known yet"));
    cluster_.put("apiservices", "", "v1.apps", {.labels = {}, .node = "", .spec = R"("spec":{})"});
    cluster_.allow("apiservices");
    EXPECT_TRUE(becomes([&] { return source_->unseen_policies().empty(); }));
    const std::string calico = "v1.crd.projectcalico.org";
    cluster_.put("apiservices", "", calico, {.labels = {}, .node = "", .spec = R"("spec":{})"});
    EXPECT_TRUE(becomes([&] { return !source_->unseen_policies().empty(); }));
    EXPECT_EQ(source_->unseen_policies(),
              "the cluster has policies of crd.projectcalico.org, which the agent does not follow");
    cluster_.remove("apiservices", "", calico);
    EXPECT_TRUE(becomes([&] { return source_->unseen_policies().empty(); }));
}

TEST_F(KubeSourceTest, TellsWhichAcceptedChainsThisNodeRefuses) {
    fill();
    start();
    expect_complete();
    const auto put = [&](int accepted, const char* edges) {
        const auto spec = fmt::format(R"({{{},"edges":[{}]}})", kFunctions, edges);
        cluster_.put("functionchains", "shop", "d",
                     {.labels = {},
                      .node = "",
                      .spec = fmt::format(
                          R"("spec":{0},"status":{{"accepted":{{"generation":{1},"spec":{0}}}}})",
                          spec, accepted),
                      .generation = 3});
    };
    put(2, R"({"from":"back","to":"front"})");
    EXPECT_TRUE(becomes([&] { return problems().contains("FunctionChain shop/d"); }));
    EXPECT_TRUE(source_->refused_here().empty()) << "the controller has not accepted it";
    put(3, R"({"from":"back","to":"front"})");
    ASSERT_TRUE(becomes([&] { return source_->refused_here().size() == 1; })) << problems();
    EXPECT_EQ(source_->refused_here()[0].name.text(), "shop/d");
    EXPECT_EQ(source_->refused_here()[0].uid, "d");
    EXPECT_FALSE(source_->refused_here()[0].why.empty());
    cluster_.remove("functionchains", "shop", "d");
    EXPECT_TRUE(becomes([&] { return source_->refused_here().empty(); }));
    EXPECT_EQ(source_->uid_of("Service shop/back"), "back");
    EXPECT_EQ(source_->uid_of("Service shop/none"), "");
}

TEST_F(KubeSourceTest, SaysWhatTheApiserverDoesNotGive) {
    cluster_.refuse("functionchains", 404);
    cluster_.refuse("pods", 403);
    start();
    EXPECT_TRUE(becomes([&] {
        return problems().contains("CustomResourceDefinition") &&
               problems().contains("docs/kubernetes.md");
    })) << problems();
    EXPECT_THAT(problems(), HasSubstr("the cluster: error: list /api/v1/pods: 403: no."));
    EXPECT_FALSE(source_->complete());
    cluster_.allow("pods");
    cluster_.allow("functionchains");
    expect_complete();
    EXPECT_TRUE(becomes([&] { return problems().empty(); })) << problems();
}

}  // namespace
}  // namespace directfaas::source
