// SPDX-License-Identifier: Apache-2.0
// The whole agent, wired as in main(), over a backend in memory: directory in, rules out, and what
// operators see of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <thread>

#include "agent/wiring.h"
#include "test/support/memory_backend.h"
#include "test/unit/agent/line_client.h"
#include "test/unit/agent/ports.h"
#include "test/unit/agent/shop.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas {
namespace {

using namespace agent_test;
using testing::HasSubstr;

constexpr const char* kChain = R"(
apiVersion: directfaas.io/v1alpha1
kind: FunctionChain
metadata: {name: chain, namespace: shop}
spec:
  functions:
  - name: front
    exposure: {type: Ingress}
  - name: back
  edges:
  - {from: front, to: back}
)";

std::string service_yaml(const std::string& name, const std::string& vip) {
    return fmt::format(R"(
apiVersion: v1
kind: Service
metadata: {{name: {0}, namespace: shop}}
spec:
  clusterIP: {1}
  selector: {{app: {0}}}
  ports: [{{name: http, port: 80, targetPort: 8080}}]
)",
                       name, vip);
}

/// The part of a backend that outlives an agent.
struct Kernel {
    model::RuleSet rules;
    support::MemoryBackend* backend = nullptr;  // while an agent runs
    int made = 0;

    util::Result<std::unique_ptr<backend::Backend>> make() {
        auto fresh = std::make_unique<support::MemoryBackend>();
        fresh->rules = rules;
        backend = fresh.get();
        ++made;
        return fresh;
    }
};

class AgentTest : public testing::Test {
   protected:
    void SetUp() override {
        options_.instance = "test";
        options_.node_name = "n";
        options_.source_dir = dir_.file("manifests");
        options_.socket = dir_.file("agent.sock");
        options_.http.port = 0;
        std::filesystem::create_directory(options_.source_dir);
    }
    void write(const std::string& name, const std::string& text) {
        const auto draft = dir_.write("draft", text);
        std::filesystem::rename(draft, options_.source_dir + "/" + name);
    }
    void write_shop() {
        write("chain.yaml", kChain);
        write("front.yaml", service_yaml("front", "10.96.0.1"));
        write("back.yaml", service_yaml("back", "10.96.0.2"));
    }
    util::Result<void> start() {
        auto agent = Agent::start(*loop_, options_, [this] { return kernel_.make(); });
        if (!agent) {
            return std::unexpected(agent.error());
        }
        agent_ = std::move(*agent);
        return {};
    }
    /// As main() ends it, or as SIGKILL does: for the kernel it is the same.
    void stop() {
        kernel_.rules = kernel_.backend->rules;
        agent_.reset();
    }
    nlohmann::json ask(const nlohmann::json& request) {
        return LineClient(*loop_, options_.socket).ask(request);
    }
    nlohmann::json status() { return ask({{"command", "status"}}); }
    /// Status (-1: no answer) and body.
    std::pair<int, std::string> get(std::uint16_t port, const std::string& path) {
        std::atomic<int> status = 0;
        std::string body;
        std::thread asking([&] {
            const auto result = httplib::Client("127.0.0.1", port).Get(path);
            body = result ? result->body : "";
            status = result ? result->status : -1;
        });
        pump_until(*loop_, [&status] { return status != 0; });
        asking.join();
        return {status, body};
    }
    const model::RuleSet& installed() { return kernel_.backend->rules; }

    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    TempDir dir_;
    AgentOptions options_;
    Kernel kernel_;
    std::unique_ptr<Agent> agent_;
};

TEST_F(AgentTest, TakesADirectoryAndIsReady) {
    write_shop();
    ASSERT_TRUE(start());
    EXPECT_EQ(installed().routes.size(), 2U);
    EXPECT_TRUE(installed().allowed.contains({function("front"), function("back")}));
    const auto told = status();
    EXPECT_EQ(told["ready"], true) << told;
    EXPECT_EQ(told["functions"].size(), 2U);
    EXPECT_EQ(told["instance"], "test");
    EXPECT_EQ(told["backend"], "ebpf");
    EXPECT_EQ(told["sources"][0]["objects"], 3);
}

TEST_F(AgentTest, IsNotReadyWhereTheSwitchMayBeBypassed) {
    write_shop();
    options_.http = {"127.0.0.1", free_port()};
    ASSERT_TRUE(start());
    kernel_.backend->known_bypasses = {"there is a way around"};
    const auto told = status();
    EXPECT_EQ(told["ready"], false);
    EXPECT_EQ(told["not_ready_because"], "there is a way around");
    const auto [refused, why] = get(options_.http.port, "/readyz");
    EXPECT_EQ(refused, 503);
    EXPECT_THAT(why, HasSubstr("there is a way around"));
    EXPECT_EQ(ask({{"command", "cni_status"}})["ready"], true)
        << "pods of no chain would not start";
    stop();
    options_.accept_bypass = true;
    ASSERT_TRUE(start());
    kernel_.backend->known_bypasses = {"there is a way around"};
    EXPECT_EQ(status()["ready"], true);
    EXPECT_EQ(get(options_.http.port, "/readyz").first, 200);
}

TEST_F(AgentTest, FollowsTheDirectory) {
    write_shop();
    ASSERT_TRUE(start());
    write("back.yaml", service_yaml("back", "10.96.0.7"));
    EXPECT_TRUE(
        pump_until(*loop_, [this] { return installed().routes.contains(route("10.96.0.7")); }));
    EXPECT_FALSE(installed().routes.contains(route("10.96.0.2")));
}

TEST_F(AgentTest, ABadFileIsToldAndTheLastGoodStateStays) {
    write_shop();
    ASSERT_TRUE(start());
    const auto before = installed();
    write("chain.yaml", "kind: FunctionChain\nspec: [oops\n");
    nlohmann::json told;
    EXPECT_TRUE(pump_until(*loop_, [&] {
        told = status();
        return !told["problems"].empty() && told["problems"][0]["severity"] == "error";
    }));
    EXPECT_EQ(told["ready"], true) << "an old state in force is no reason to be taken out";
    EXPECT_THAT(told["problems"][0]["file"].get<std::string>(), HasSubstr("chain.yaml"));
    EXPECT_EQ(told["sources"][0]["problems"], 1);
    EXPECT_EQ(installed(), before);
}

TEST_F(AgentTest, ARestartWithdrawsNothing) {
    write_shop();
    ASSERT_TRUE(start());
    stop();
    ASSERT_TRUE(start());
    EXPECT_TRUE(kernel_.backend->applied.empty()) << "something was withdrawn or installed anew";
    EXPECT_EQ(status()["ready"], true);
}

TEST_F(AgentTest, AMissingDirectoryLeavesWhatIsInstalled) {
    write_shop();
    ASSERT_TRUE(start());
    stop();
    const auto before = kernel_.rules;
    std::filesystem::rename(options_.source_dir, dir_.file("away"));
    ASSERT_TRUE(start());
    pump(*loop_);
    const auto told = status();
    EXPECT_EQ(told["ready"], false);
    EXPECT_THAT(told["not_ready_because"].get<std::string>(), HasSubstr(options_.source_dir));
    EXPECT_EQ(installed(), before);
    EXPECT_TRUE(kernel_.backend->applied.empty());
    std::filesystem::rename(dir_.file("away"), options_.source_dir);
    EXPECT_TRUE(pump_until(*loop_, [this] { return status()["ready"] == true; }));
    EXPECT_EQ(installed(), before);
}

TEST_F(AgentTest, AnEmptyDirectoryThatAppearsIsRead) {
    std::filesystem::remove(options_.source_dir);
    ASSERT_TRUE(start());
    EXPECT_EQ(status()["ready"], false);
    std::filesystem::create_directory(options_.source_dir);
    EXPECT_TRUE(pump_until(*loop_, [this] { return status()["ready"] == true; }));
}

TEST_F(AgentTest, ASecondAgentOfTheInstanceTouchesNothing) {
    ASSERT_TRUE(start());
    const auto second = Agent::start(*loop_, options_, [this] { return kernel_.make(); });
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().text(), HasSubstr("pid " + std::to_string(getpid())));
    EXPECT_EQ(kernel_.made, 1);
    EXPECT_EQ(status()["ready"], true);
}

TEST_F(AgentTest, WhatCannotWorkEndsTheStartWithAReason) {
    options_.activator_exec = "/nonexistent/start";
    const auto started = start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().text(), HasSubstr("--activator-exec"));
    options_.activator_exec.clear();
    const auto without = Agent::start(*loop_, options_, [] {
        return util::Result<std::unique_ptr<backend::Backend>>(util::fail("no bpf here"));
    });
    ASSERT_FALSE(without);
    EXPECT_THAT(without.error().text(), HasSubstr("no bpf here"));
    EXPECT_TRUE(start()) << "a failed start left something behind";
}

TEST_F(AgentTest, SettingsReachTheBackend) {
    options_.deny_silently = true;
    options_.budget_rate = 5;
    options_.pod_networks = {*util::IpPrefix::parse("10.1.0.0/16")};
    ASSERT_TRUE(start());
    EXPECT_TRUE(kernel_.backend->settings.deny_silently);
    EXPECT_EQ(kernel_.backend->settings.budget_rate, 5U);
    EXPECT_EQ(kernel_.backend->settings.pod_networks, options_.pod_networks);
    LineClient follower(*loop_, options_.socket);
    follower.ask({{"command", "observe"}, {"follow", true}});
    EXPECT_TRUE(kernel_.backend->settings.trace);
    EXPECT_TRUE(kernel_.backend->settings.deny_silently) << "the other settings stay";
    backend::FlowEvent event;
    event.reason = DF_REASON_FORWARDED;
    kernel_.backend->emit(event);
    EXPECT_EQ(follower.next()["reason"], "forwarded");
    follower.close();
    EXPECT_TRUE(pump_until(*loop_, [this] { return !kernel_.backend->settings.trace; }));
}

TEST_F(AgentTest, AHeldCallIsRefusedWhenNobodyKnowsItsFunction) {
    write_shop();
    ASSERT_TRUE(start());
    backend::HeldPacket packet;
    packet.kind = backend::HeldPacket::Kind::kNoInstance;
    packet.flow = {ip("10.1.0.1"), ip("10.96.0.9"), 40000, 80, 6};
    packet.from = function("front");
    packet.to = function("nobody");
    packet.frame.assign(74, 0);
    kernel_.backend->emit(packet);
    ASSERT_TRUE(pump_until(*loop_, [this] { return !kernel_.backend->replays.empty(); }));
    EXPECT_EQ(kernel_.backend->replays[0].second, backend::ReplayAction::kRefuse);
}

TEST_F(AgentTest, ConnectionsAreSweptAndDriftIsMendedOnDemand) {
    write_shop();
    ASSERT_TRUE(start());
    EXPECT_TRUE(pump_until(*loop_, [this] { return kernel_.backend->sweeps > 2; }));
    kernel_.backend->rules.allowed.clear();
    agent_->rescan();
    EXPECT_TRUE(installed().allowed.contains({function("front"), function("back")}));
}

TEST_F(AgentTest, DetachAllEndsTheLoop) {
    write_shop();
    ASSERT_TRUE(start());
    LineClient client(*loop_, options_.socket);
    client.send(R"({"command":"detach","all":true})"
                "\n");
    EXPECT_TRUE(loop_->run());  // as main() does; returns only because the agent ends it
    EXPECT_TRUE(kernel_.backend->removed);
    EXPECT_EQ(client.next()["drained"], true);
}

TEST_F(AgentTest, PodsWithoutAnInterfaceAreListed) {
    write_shop();
    write("pod.yaml", R"(
apiVersion: v1
kind: Pod
metadata: {name: front-1, namespace: shop, labels: {app: front},
  annotations: {directfaas.io/host-interface: df-no-such-if}}
status: {podIPs: [{ip: 192.0.2.7}]}
)");
    ASSERT_TRUE(start());
    const auto told = status();
    ASSERT_EQ(told["unattached"].size(), 1U) << told;
    EXPECT_EQ(told["unattached"][0]["pod"], "shop/front-1");
    EXPECT_THAT(told["unattached"][0]["why"].get<std::string>(), HasSubstr("df-no-such-if"));
    EXPECT_EQ(told["ready"], true) << "its interface may never come";
    const auto lo = ask({{"command", "attach"}, {"pod", "shop/front-1"}, {"interface", "lo"}});
    EXPECT_EQ(lo["ok"], false);
    EXPECT_THAT(lo["error"].get<std::string>(), HasSubstr("lo is not a veth"));
    EXPECT_THAT(status()["unattached"][0]["why"].get<std::string>(), HasSubstr("df-no-such-if"))
        << "a refused attach stays without effect";
    EXPECT_EQ(ask({{"command", "attach"}, {"pod", "shop/x"}, {"interface", "lo"}})["code"],
              "not_found");
    EXPECT_EQ(ask({{"command", "detach"}, {"pod", "shop/front-1"}})["ok"], true);
    EXPECT_THAT(status()["unattached"][0]["why"].get<std::string>(), HasSubstr("by hand"));
}

/// Two agents on one machine, each with its own port and socket.
TEST_F(AgentTest, TwoInstancesServeSideBySide) {
    write_shop();
    {
        const TakenPort taken;
        options_.http.port = taken.port();
        const auto refused = start();
        ASSERT_FALSE(refused);
        EXPECT_THAT(refused.error().text(), HasSubstr("--http-listen"));
    }
    options_.http.port = free_port();
    ASSERT_TRUE(start());
    auto other_options = options_;
    other_options.instance = "other";
    other_options.socket = dir_.file("other.sock");
    other_options.http.port = free_port();
    Kernel other_kernel;
    const auto other =
        Agent::start(*loop_, other_options, [&other_kernel] { return other_kernel.make(); });
    ASSERT_TRUE(other) << other.error().text();
    for (const auto port : {options_.http.port, other_options.http.port}) {
        const auto [status, body] = get(port, "/metrics");
        EXPECT_EQ(status, 200);
        EXPECT_THAT(body, HasSubstr("directfaas_in_sync 1\n"));
        EXPECT_THAT(body, HasSubstr("directfaas_source_objects{source=\"directory\"} 3\n"));
        EXPECT_THAT(body, HasSubstr("directfaas_activations_total{outcome=\"succeeded\"} 0\n"));
    }
}

}  // namespace
}  // namespace directfaas
