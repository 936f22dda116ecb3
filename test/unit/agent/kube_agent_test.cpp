// SPDX-License-Identifier: Apache-2.0
// The agent on a cluster: what it leaves alone until it knows everything, and what it tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "agent/wiring.h"
#include "test/support/memory_backend.h"
#include "test/unit/agent/line_client.h"
#include "test/unit/agent/shop.h"
#include "test/unit/agent/temp_dir.h"
#include "test/unit/source/kube_cluster.h"

namespace directfaas {
namespace {

using namespace agent_test;
using testing::HasSubstr;

class KubeAgentTest : public testing::Test {
   protected:
    void SetUp() override {
        options_.instance = "test";
        options_.node_name = "n1";
        options_.source = SourceKind::kKubernetes;
        options_.socket = dir_.file("agent.sock");
        options_.http.port = 0;
        options_.kubeconfig = dir_.write("kubeconfig", R"(
current-context: c
contexts: [{name: c, context: {cluster: c}}]
clusters: [{name: c, cluster: {server: ")" + cluster_.access().url() +
                                                           "\"}}]\n");
        cluster_.chain("c",
                       R"("functions":[{"name":"front","exposure":"Ingress"},{"name":"back"}],)"
                       R"("edges":[{"from":"front","to":"back"}])");
        cluster_.service("front", "10.96.0.1");
        cluster_.service("back", "10.96.0.2");
        cluster_.slice("back", "10.244.2.2");
    }
    util::Result<void> start() {
        auto agent = Agent::start(*loop_, options_, [this] {
            auto fresh = std::make_unique<support::MemoryBackend>();
            fresh->rules = rules_;
            backend_ = fresh.get();
            return util::Result<std::unique_ptr<backend::Backend>>(std::move(fresh));
        });
        if (!agent) {
            return std::unexpected(agent.error());
        }
        agent_ = std::move(*agent);
        return {};
    }
    void stop() {
        rules_ = backend_->rules;
        agent_.reset();
    }
    nlohmann::json status() {
        return LineClient(*loop_, options_.socket).ask({{"command", "status"}});
    }
    bool pump(const std::function<bool()>& condition) { return pump_until(*loop_, condition); }
    bool ready() {
        return pump([this] { return agent_->facts().not_ready.empty(); });
    }

    source::KubeCluster cluster_;
    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    TempDir dir_;
    AgentOptions options_;
    model::RuleSet rules_;  // what outlives an agent
    support::MemoryBackend* backend_ = nullptr;
    std::unique_ptr<Agent> agent_;
};

TEST_F(KubeAgentTest, FollowsTheCluster) {
    ASSERT_TRUE(start());
    ASSERT_TRUE(ready());
    EXPECT_TRUE(backend_->rules.allowed.contains({function("front"), function("back")}));
    EXPECT_EQ(backend_->rules.routes.size(), 2U);
    const auto told = status();
    EXPECT_EQ(told["sources"][0]["name"], "kubernetes " + cluster_.access().url());
    EXPECT_EQ(told["sources"][0]["objects"], 4);

    cluster_.service("back", "10.96.0.7");
    const model::RouteKey moved{ip("10.96.0.7"), 80, util::Protocol::kTcp};
    EXPECT_TRUE(pump([&] { return backend_->rules.routes.contains(moved); }));
}

TEST_F(KubeAgentTest, TellsWhatIsInForceOnItsNode) {
    ASSERT_TRUE(start());
    ASSERT_TRUE(ready());
    const auto state = [this] {
        const auto object = nlohmann::json::parse(cluster_.written("n1"), nullptr, false);
        return object.is_object() ? object["state"] : nlohmann::json::object();
    };
    ASSERT_TRUE(pump([&] { return state().value("ready", false); }));
    EXPECT_EQ(state()["agentVersion"], DF_VERSION);
    EXPECT_EQ(state()["chains"].size(), 0U) << "no pod of the chain is here";
    cluster_.pod("back-0", "back", "n1", "10.244.1.2");
    ASSERT_TRUE(pump([&] { return state()["chains"].size() == 1; }));
    EXPECT_EQ(state()["chains"][0]["name"], "c");
    EXPECT_EQ(state()["unattachedPods"], 1);
}

TEST_F(KubeAgentTest, ACallThatIsGivenUpIsAnEventOfItsFunction) {
    options_.hold_deadline = std::chrono::milliseconds(50);
    cluster_.chain("c",
                   R"("functions":[{"name":"front","scaleFromZero":"Metrics"},{"name":"back"}],)"
                   R"("edges":[{"from":"back","to":"front"}])");
    ASSERT_TRUE(start());
    ASSERT_TRUE(ready());
    backend::HeldPacket packet;
    packet.kind = backend::HeldPacket::Kind::kNoInstance;
    packet.flow = {ip("10.244.1.1"), ip("10.96.0.1"), 4000, 80, IPPROTO_TCP};
    packet.from = function("back");
    packet.to = function("front");
    packet.frame = {1};
    backend_->emit(packet);
    ASSERT_TRUE(pump([&] { return !cluster_.events().empty(); }));
    const auto event = nlohmann::json::parse(cluster_.events().front());
    EXPECT_EQ(event["reason"], "CallsGivenUp");
    EXPECT_EQ(event["type"], "Warning");
    EXPECT_EQ(event["reportingController"], "directfaas.io/agent");
    EXPECT_EQ(event["reportingInstance"], "n1");
    EXPECT_EQ(event["metadata"]["namespace"], "shop");
    EXPECT_EQ(event["regarding"], (nlohmann::json{{"apiVersion", "v1"},
                                                  {"kind", "Service"},
                                                  {"namespace", "shop"},
                                                  {"name", "front"},
                                                  {"uid", "front"}}));
    EXPECT_THAT(
        event["note"].get<std::string>(),
        HasSubstr("a call of shop/back to shop/front was refused: no instance became ready"));
}

TEST_F(KubeAgentTest, ARestartWithdrawsNothingWhileAListIsMissing) {
    ASSERT_TRUE(start());
    ASSERT_TRUE(ready());
    stop();
    const auto before = rules_;
    cluster_.refuse("endpointslices", 503);
    cluster_.remove("services", "shop", "back");

    ASSERT_TRUE(start());
    EXPECT_TRUE(pump([this] {
        return status()["not_ready_because"].get<std::string>().contains("endpointslices: 503");
    }));
    EXPECT_EQ(backend_->rules, before);
    EXPECT_THAT(status()["not_ready_because"].get<std::string>(),
                HasSubstr("not all objects of " + cluster_.access().url() + " were read yet"));

    cluster_.allow("endpointslices");
    EXPECT_TRUE(ready());
    EXPECT_EQ(backend_->rules.routes.size(), 1U);
}

TEST_F(KubeAgentTest, WithoutACredentialItDoesNotStart) {
    options_.kubeconfig = dir_.file("absent");
    const auto started = start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().text(), HasSubstr("absent"));
}

}  // namespace
}  // namespace directfaas
