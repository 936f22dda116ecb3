// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas` where something is wrong: nodes that are silent, forbidden or talk nonsense,
// and clusters that are not there.
#include <gmock/gmock.h>

#include "cli/cluster/kubectl.h"
#include "test/unit/cli/plugin_fixture.h"

namespace directfaas::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Plugin = PluginTest;

constexpr const char* kStatus =
    R"({"version":"1","instance":"n","backend":"ebpf","node":"n","uptime_seconds":5,"ready":true,
        "functions":[{"name":"shop/a","open":1,"opened":20,"held_now":0}],
        "attachments":[{"pod":"shop/a-1","identity":"shop/a"}],"unattached":[],
        "problems":[{"severity":"warning","object":"Service shop/x","message":"is odd"}]})";

TEST_F(Plugin, NodesThatGiveNoAnswerAreNamedAndHaveAStatusOfTheirOwn) {
    agents(4);
    answers(1, "status", kStatus);
    when("exec pod/agent-2 *status", kSilence);
    when("exec pod/agent-3 *status", kForbidden);
    answers(4, "status", "sh: not dfctl");
    when("get nodes", print(R"({"items":[{"metadata":{"name":"node-1"}},
                                         {"metadata":{"name":"node-9"}}]})"));
    const auto ended = plugin({"status", "--timeout", "3s"});
    EXPECT_EQ(ended.exit, 5);
    EXPECT_THAT(ended.out, HasSubstr("node-1  ready"));
    EXPECT_THAT(ended.out, HasSubstr("did not answer within 3.00 s"));
    EXPECT_THAT(ended.out, HasSubstr("cannot create resource \"pods/exec\""));
    EXPECT_THAT(ended.out, HasSubstr("its answer is not one of dfctl: sh: not dfctl"));
    EXPECT_THAT(ended.out, HasSubstr("warning: Service shop/x: is odd (on node-1)"));
    EXPECT_THAT(ended.out, HasSubstr("without an agent: node-9"));
    EXPECT_THAT(ended.err, HasSubstr("kubectl directfaas: no answer from node-2 (agent-2)"));
    EXPECT_THAT(ended.err, HasSubstr("the right `create` on `pods/exec`"));
    const auto json = plugin({"edges", "-o", "json", "--timeout", "3s"});
    EXPECT_EQ(json.exit, 3) << "nobody answers `edges` here";
    EXPECT_EQ(Json::parse(json.out)["failed"].size(), 4U);
}

TEST_F(Plugin, ARefusalOfTheAgentIsItsNodesFailure) {
    agents(2);
    answers(1, "functions", R"({"functions":[{"name":"shop/a","opened":3,"ready":1}]})");
    when("exec pod/agent-2 *functions",
         print(R"({"error":"no agent runs here","advice":"start one"})") + "exit 3");
    const auto ended = plugin({"functions"});
    EXPECT_EQ(ended.exit, 5);
    EXPECT_THAT(ended.out, HasSubstr("shop/a"));
    EXPECT_THAT(ended.err, HasSubstr("node-2 (agent-2): no agent runs here\n  start one"));
}

TEST_F(Plugin, TheClusterThatIsMeantIsThatOfKubectl) {
    agents(1);
    answers(1, "edges", R"({"edges":[],"denied":[]})");
    const auto ended = plugin({"edges", "--context", "c", "--kubeconfig", "/k", "-n", "other"});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_THAT(asked(), HasSubstr("--kubeconfig=/k --context=c --namespace=other get pods"));
    EXPECT_THAT(asked(), HasSubstr("--namespace=other exec pod/agent-1 --container agent -- "
                                   "/usr/bin/dfctl -o json edges"));
}

TEST_F(Plugin, NoClusterNoAgentsNoKubectl) {
    when("get pods", "echo 'The connection to the server was refused' >&2; exit 1");
    const auto refused = plugin({"status"});
    EXPECT_EQ(refused.exit, 3);
    EXPECT_THAT(refused.err, HasSubstr("connection to the server was refused"));
    branches_.clear();
    when("get pods", print(R"({"items":[]})"));
    const auto none = plugin({"edges", "-n", "elsewhere", "-o", "json"});
    EXPECT_EQ(none.exit, 3);
    EXPECT_THAT(none.err, HasSubstr("no agents in namespace elsewhere"));
    EXPECT_THAT(Json::parse(none.out)["advice"].get<std::string>(), HasSubstr("-n"));
    branches_.clear();
    when("get pods", "echo '[]'");
    EXPECT_THAT(plugin({"edges"}).err, HasSubstr("printed no JSON object"));
    ::setenv("PATH", "/nowhere", 1);
    const auto missing = plugin({"edges"});
    EXPECT_EQ(missing.exit, 3);
    EXPECT_THAT(missing.err, HasSubstr("start kubectl: No such file"));
}

TEST_F(Plugin, OneNodeAlone) {
    agents(2);
    answers(2, "edges", R"({"edges":[],"denied":[]})");
    EXPECT_EQ(plugin({"edges", "--node", "node-2"}).exit, 0);
    EXPECT_THAT(asked(), Not(HasSubstr("agent-1")));
    const auto unknown = plugin({"edges", "--node", "node-2", "--node", "node-7"});
    EXPECT_EQ(unknown.exit, 5);
    EXPECT_THAT(unknown.err, HasSubstr("no answer from node-7: it has no agent's pod"));
}

TEST_F(Plugin, ExplainAsksTheCallersNode) {
    agents(3);
    answers(1, "status", R"({"attachments":[{"pod":"x","identity":"shop/b"}]})");
    answers(2, "status", R"x({"attachments":[{"pod":"x","identity":"shop/a (entry)"}]})x");
    when("exec pod/agent-3 *status", "exit 1");
    answers(1, "explain", R"({"allowed":true,"from":"x","to":"shop/b"})");
    answers(2, "explain", R"({"allowed":false,"from":"shop/a","to":"shop/b","reason":"why"})");
    const auto ended = plugin({"explain", "a", "b:80"});
    EXPECT_EQ(ended.exit, 5) << "the caller may run on node-3, too";
    EXPECT_THAT(ended.out, HasSubstr("shop/a → shop/b: DENIED"));
    EXPECT_THAT(ended.out, HasSubstr("node-2 (where the caller runs)"));
    EXPECT_THAT(asked(), HasSubstr("explain a b:80"));
    const auto outsider = plugin({"explain", "outside", "b", "--node", "node-1"});
    EXPECT_EQ(outsider.exit, 0) << outsider.err;
    EXPECT_THAT(outsider.out, HasSubstr("node-1 (where the called function runs"));
}

TEST_F(Plugin, ObserveJoinsTheNodes) {
    agents(3);
    for (const int node : {1, 2, 3}) {
        answers(node, "version", R"({"dfctl":"1","agent":{"version":"1"}})");
    }
    const auto event = [](const std::string& second, const char* reason) {
        return R"({"time":"2026-11-24T12:03:0)" + second + R"(Z","reason":")" + reason + "\"}";
    };
    answers(1, "observe", event("2", "first") + "\n" + event("4", "third"));
    answers(2, "observe", event("3", "second"));
    when("exec pod/agent-3 *observe", print(R"({"error":"no such reason"})") + "exit 4");
    const auto ended = plugin({"observe", "--limit", "2", "-o", "json"});
    EXPECT_EQ(ended.exit, 5);
    EXPECT_THAT(ended.out, testing::MatchesRegex(".*node-2.*second.*\n.*node-1.*third.*\n"));
    EXPECT_THAT(ended.err, HasSubstr("node-3 (agent-3): no such reason"));
    const auto followed = plugin({"observe", "-f", "--from", "a", "--limit", "3"});
    EXPECT_THAT(followed.out, HasSubstr("node-1  2026-11-24 12:03:04.000Z"));
    EXPECT_THAT(asked(), HasSubstr("observe --follow --end-with-input --from=a --limit=3"));
    EXPECT_THAT(asked(), HasSubstr("--container agent --stdin -- "));
}

TEST_F(Plugin, AStreamThatEndsIsTold) {
    agents(2);
    for (const int node : {1, 2}) {
        answers(node, "version", "{}");
    }
    when("exec pod/agent-1 *observe", "echo 'error: lost connection to pod' >&2; exit 1");
    when("exec pod/agent-2 *observe", "exit 0");
    const auto ended = plugin({"observe", "-f"});
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.err, HasSubstr("node-1 (agent-1): error: lost connection to pod"));
    EXPECT_THAT(ended.err, HasSubstr("node-2"));
}

TEST_F(Plugin, TopAddsTheNodesUp) {
    agents(2);
    const auto sample = [](const char* rate) {
        return R"({"seconds":1,"functions":[{"name":"a","ready":1,"calls_per_second":)" +
               std::string(rate) + "}]}";
    };
    for (const int node : {1, 2}) {
        answers(node, "version", "{}");
    }
    answers(1, "top", sample("2.5") + "\n" + sample("3"));
    answers(2, "top", sample("1"));
    const auto ended = plugin({"top", "--count", "2", "-o", "json"});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("\"calls_per_second\":3.5"));
    EXPECT_THAT(ended.out, HasSubstr("\"calls_per_second\":3.0"));
    EXPECT_THAT(asked(), HasSubstr("top --end-with-input --interval=1000ms --count=2"));
}

TEST_F(Plugin, CheckNeedsNoInstall) {
    when("version -o json", print(R"({"serverVersion":{"gitVersion":"v1.28.3"}})"));
    when("get nodes", print(R"({"items":[
        {"metadata":{"name":"old"},"status":{"nodeInfo":{"kernelVersion":"4.19.0-1","operatingSystem":"linux"}}},
        {"metadata":{"name":"new"},"status":{"nodeInfo":{"kernelVersion":"6.1.0","operatingSystem":"linux",
         "containerRuntimeVersion":"containerd://1.7.2"}}}]})"));
    when("api-resources", print("validatingadmissionpolicies.admissionregistration.k8s.io"));
    when("get crd", "echo 'Error from server (NotFound): no crd' >&2; exit 1");
    when("get namespace", print(R"({"metadata":{"labels":
        {"pod-security.kubernetes.io/enforce":"baseline"}}})"));
    when("auth can-i", "echo no; exit 1");
    when("get pods", print(R"({"items":[]})"));
    const auto ended = plugin({"check"});
    EXPECT_EQ(ended.exit, 1);
    EXPECT_THAT(ended.out, HasSubstr("FAIL  kubernetes"));
    EXPECT_THAT(ended.out, HasSubstr("old 4.19.0-1"));
    EXPECT_THAT(ended.out, HasSubstr("warn  runtimes"));
    EXPECT_THAT(ended.out, HasSubstr("containerd://1.7.2 on 1 node, not told on 1 node"));
    EXPECT_THAT(ended.out, HasSubstr("not what old has"));
    EXPECT_THAT(ended.out, HasSubstr("warn  main CNI plugin"));
    EXPECT_THAT(ended.out, HasSubstr("ok    admission policies"));
    EXPECT_THAT(ended.out, HasSubstr("admits baseline pods"));
    EXPECT_THAT(ended.out, HasSubstr("you may not ask the agents"));
    EXPECT_THAT(ended.err, HasSubstr("no agents run here yet"));
}

TEST_F(Plugin, CheckOfNoCluster) {
    when("version", "echo 'no such host' >&2; exit 1");
    const auto ended = plugin({"check", "-o", "json"});
    EXPECT_EQ(ended.exit, 1);
    EXPECT_EQ(Json::parse(ended.out)["cluster"][0]["detail"], "no such host");
}

TEST_F(Plugin, SysdumpSaysWhatIsMissing) {
    agents(2);
    when("exec pod/agent-1 *sysdump",
         print(R"({"files":[{"path":"../../agent/status.json","what":"w","text":"hello"}]})"));
    when("exec pod/agent-2 *sysdump", kForbidden);
    when("logs pod/agent-1 *previous=true", "exit 1");
    when("logs", "echo 'password: hunter2'");
    when("get", "echo 'Forbidden' >&2; exit 1");
    when("version", "echo v1");
    const auto file = run_.path() + "/dump.tar.gz";
    const auto ended = plugin({"sysdump", "--file", file});
    EXPECT_EQ(ended.exit, 5);
    EXPECT_THAT(ended.out, HasSubstr("nodes/node-1/_/_/agent/status.json"));
    EXPECT_THAT(ended.out, HasSubstr("nodes/node-2/failed.txt"));
    EXPECT_THAT(ended.out, HasSubstr("cluster/chains.yaml"));
    const auto json = plugin({"sysdump", "-o", "json"});
    EXPECT_THAT(json.out, HasSubstr("not read: kubectl failed"));
    EXPECT_THAT(json.out, Not(HasSubstr("hunter2")));
}

TEST_F(Plugin, WhatIsOneHostsOnlyIsNotThere) {
    EXPECT_EQ(plugin({"attach", "a", "b"}).exit, 2);
    EXPECT_EQ(plugin({"completion", "bash"}).exit, 2);
    EXPECT_EQ(plugin({"status", "--socket", "/x"}).exit, 2);
    EXPECT_EQ(plugin({"status", "--timeout", "soon"}).exit, 2);
    const auto help = plugin({"--help"});
    EXPECT_THAT(help.err, HasSubstr("Usage: kubectl directfaas "));
    EXPECT_THAT(help.err, HasSubstr("\n  5  "));
    EXPECT_THAT(plugin({"top", "--help"}).err, HasSubstr("kubectl directfaas top --count 1"));
    EXPECT_EQ(plugin({"validate", "-f", "x"}).exit, 0) << "files are looked at here";
}

TEST(Agents, TheirTroublesAreTold) {
    const auto agents = agents_in(Json::parse(R"({"items":[
        {"metadata":{"name":"old","deletionTimestamp":"now"},"spec":{"nodeName":"n1"},
         "status":{"phase":"Running"}},
        {"metadata":{"name":"new"},"spec":{"nodeName":"n1","containers":[{"name":"agent",
         "volumeMounts":[{"name":"run","mountPath":"/run/other"}]}]},"status":{"phase":"Running"}},
        {"metadata":{"name":"crash"},"spec":{"nodeName":"n2"},"status":{"phase":"Running",
         "containerStatuses":[{"name":"agent","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}},
        {"metadata":{"name":"pending"},"spec":{},"status":{"phase":"Pending"}}]})"),
                                  {});
    ASSERT_EQ(agents.size(), 3U);
    EXPECT_EQ(agents[0].trouble, "its pod waits for a node");
    EXPECT_EQ(agents[1].pod, "new");
    EXPECT_EQ(agents[1].socket, "/run/other/agent.sock");
    EXPECT_THAT(agents[1].trouble, IsEmpty());
    EXPECT_THAT(agents[2].trouble, HasSubstr("CrashLoopBackOff"));
}

TEST(PluginCompletion, OffersWordsAsKubectlAsks) {
    EXPECT_EQ(plugin_completion({"expl"}), "explain\n:4\n");
    EXPECT_EQ(plugin_completion({"graph", ""}), "dot\nmermaid\n:4\n");
    EXPECT_EQ(plugin_completion({"status", "-o", "j"}), "json\n:4\n");
    EXPECT_EQ(plugin_completion({"status", "--contex"}), "--context\n:4\n");
    EXPECT_EQ(plugin_completion({"validate", "-f", ""}), ":0\n");
    EXPECT_EQ(plugin_completion({"attach"}), ":4\n");
}

}  // namespace
}  // namespace directfaas::cli
