// SPDX-License-Identifier: Apache-2.0
// The real plugin, the real agent and real veths: a pod is enforced when its ADD returns.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "test/support/agent_process.h"
#include "test/support/manifests.h"
#include "test/support/topology.h"
#include "test/support/wait.h"
#include "test/unit/cni/plugin_process.h"

namespace directfaas::cni_test {
namespace {

using namespace support;
using testing::HasSubstr;

class CniTest : public testing::Test {
   protected:
    CniTest()
        : agent_(topology_.node(NodeId::kA), {.instance = topology_.prefix(),
                                              .node_name = node_name(NodeId::kA),
                                              .manifests = manifests_.path().string(),
                                              .pod_networks = Topology::pod_networks()}) {
        const FunctionSpec function{.name = "fn"};
        ChainSpec chain;
        chain.functions = {{"fn", function}};
        manifests_.write("chain.yaml", {chain_manifest(chain),
                                        service_manifest("shop", function, Topology::vip(1))});
    }
    ~CniTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(socket() + ".attached", ignored);
        std::filesystem::remove_all(socket() + ".pending", ignored);
    }
    std::string socket() const {
        return (std::filesystem::temp_directory_path() / (topology_.prefix() + ".sock")).string();
    }
    /// The object as it is before the kubelet has reported an address.
    static Json object_of(const Pod& pod, const std::string& app = "fn") {
        auto object = pod_manifest("shop", pod, {{"app", app}});
        object.erase("status");
        return object;
    }
    Json result_for(const Pod& pod) const {
        return {{"cniVersion", "1.0.0"},
                {"ips",
                 {{{"address", pod.ip(Family::kV4).text() + "/32"}},
                  {{"address", pod.ip(Family::kV6).text() + "/128"}}}}};
    }
    Ran run(const std::string& command, const Pod& pod, const std::string& policy,
            const std::string& ns = "shop") const {
        Json config{{"cniVersion", "1.0.0"},        {"name", "net"},
                    {"type", "directfaas-cni"},     {"socket", socket()},
                    {"onAgentUnavailable", policy}, {"prevResult", result_for(pod)}};
        return topology_.node(NodeId::kA).run([&] {
            return run_plugin(
                {{"CNI_COMMAND", command},
                 {"CNI_CONTAINERID", "container-of-" + pod.name()},
                 {"CNI_NETNS", "/run/netns/" + pod.netns().name()},
                 {"CNI_IFNAME", "eth0"},
                 {"CNI_ARGS", "K8S_POD_NAMESPACE=" + ns + ";K8S_POD_NAME=" + pod.name()}},
                config.dump());
        });
    }
    void expect_passed_on(const Ran& ran, const Pod& pod) const {
        EXPECT_EQ(ran.status, 0) << ran.out << ran.err << agent_.log();
        EXPECT_EQ(Json::parse(ran.out, nullptr, false), result_for(pod)) << ran.out;
    }
    /// Nothing if it is not attached.
    Json attachment_of(const Pod& pod) const {
        const auto status = agent_.control({{"command", "status"}});
        for (const auto& item : status["attachments"]) {
            if (item["pod"] == "shop/" + pod.name()) {
                return item;
            }
        }
        return {};
    }

    Topology topology_;
    ManifestDir manifests_{topology_.prefix()};
    AgentProcess agent_;
};

TEST_F(CniTest, FiftyAtOnceAreAllEnforcedWhenAddReturns) {
    constexpr int kPods = 50;
    agent_.start();
    std::vector<Pod*> pods;
    for (int i = 0; i < kPods; ++i) {
        pods.push_back(&topology_.add_pod(NodeId::kA, fmt::format("p{}", i)));
    }
    std::vector<Ran> ran(kPods);
    std::vector<Json> attached(kPods);
    std::vector<std::thread> threads;
    for (int i = 0; i < kPods; ++i) {
        threads.emplace_back([&, i] {
            ran[i] = run("ADD", *pods[i], "Fail");
            attached[i] = attachment_of(*pods[i]);
        });
    }
    // The objects come after the first ADDs have asked.
    EXPECT_TRUE(wait_until([&] {
        return std::filesystem::exists(socket() + ".attached") &&
               !std::filesystem::is_empty(socket() + ".attached");
    }));
    std::vector<Json> objects;
    for (const auto* pod : pods) {
        objects.push_back(object_of(*pod));
    }
    manifests_.write("pods.yaml", objects);
    for (auto& thread : threads) {
        thread.join();
    }
    for (int i = 0; i < kPods; ++i) {
        expect_passed_on(ran[i], *pods[i]);
        ASSERT_TRUE(attached[i].is_object()) << pods[i]->name();
        EXPECT_EQ(attached[i]["ifindex"], pods[i]->host_ifindex());
        EXPECT_EQ(attached[i]["adopted"], false);
    }
}

TEST_F(CniTest, APodOfNoChainStartsAtOnce) {
    const auto& pod = topology_.add_pod(NodeId::kA, "other");
    manifests_.write("pods.yaml", {object_of(pod, "something-else")});
    agent_.start();
    expect_passed_on(run("ADD", pod, "Fail"), pod);
    EXPECT_TRUE(attachment_of(pod).is_null());
    expect_passed_on(run("ADD", pod, "Fail", "namespace-without-chain"), pod);
}

TEST_F(CniTest, AnUnknownPodWaitsOrStartsAsThePolicySays) {
    const auto& pod = topology_.add_pod(NodeId::kA, "late");
    agent_.start();
    const auto refused = run("ADD", pod, "Fail");
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(Json::parse(refused.out)["code"], 11) << refused.out;
    expect_passed_on(run("ADD", pod, "Allow"), pod);
    // What it was told holds when the object comes.
    manifests_.write("pods.yaml", {object_of(pod)});
    EXPECT_TRUE(wait_until([&] { return attachment_of(pod).is_object(); })) << agent_.log();
}

TEST_F(CniTest, CheckSeesWhetherThePodIsEnforced) {
    const auto& pod = topology_.add_pod(NodeId::kA, "p");
    manifests_.write("pods.yaml", {object_of(pod)});
    agent_.start();
    const auto before = run("CHECK", pod, "Fail");
    EXPECT_EQ(before.status, 1);
    EXPECT_EQ(Json::parse(before.out)["code"], 100) << before.out;
    expect_passed_on(run("ADD", pod, "Fail"), pod);
    const auto after = run("CHECK", pod, "Fail");
    EXPECT_EQ(after.status, 0) << after.out;
    EXPECT_EQ(after.out, "");
}

TEST_F(CniTest, WhatTheAgentMissedItTakesUpWhenItIsBack) {
    const auto& pod = topology_.add_pod(NodeId::kA, "p");
    manifests_.write("pods.yaml", {object_of(pod)});
    const auto refused = run("ADD", pod, "Fail");
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(Json::parse(refused.out)["code"], 11);
    expect_passed_on(run("ADD", pod, "Allow"), pod);
    EXPECT_FALSE(std::filesystem::is_empty(socket() + ".pending"));
    agent_.start();
    EXPECT_TRUE(wait_until([&] { return attachment_of(pod).is_object(); })) << agent_.log();
    EXPECT_TRUE(std::filesystem::is_empty(socket() + ".pending"));
}

TEST_F(CniTest, ARestartedAgentStillKnowsTheInterface) {
    const auto& pod = topology_.add_pod(NodeId::kA, "p");
    manifests_.write("pods.yaml", {object_of(pod)});
    agent_.start();
    expect_passed_on(run("ADD", pod, "Fail"), pod);
    agent_.kill();
    agent_.start();
    const auto attached = attachment_of(pod);
    ASSERT_TRUE(attached.is_object()) << agent_.log();
    EXPECT_EQ(attached["ifindex"], pod.host_ifindex());
    for (int again = 0; again < 3; ++again) {
        const auto gone = run("DEL", pod, "Fail");
        EXPECT_EQ(gone.status, 0);
        EXPECT_EQ(gone.out + gone.err, "");
    }
    EXPECT_TRUE(wait_until([&] { return attachment_of(pod).is_null(); })) << agent_.log();
}

}  // namespace
}  // namespace directfaas::cni_test
