// SPDX-License-Identifier: Apache-2.0
// The rights of deploy/install.yaml, which is the chart rendered, on a real apiserver, with tokens
// as pods have them: an agent writes its own node's state and Events and nothing else, the
// controller what it needs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <httplib.h>

#include <fstream>

#include "agent/node_state/node_state_writer.h"
#include "lib/kube/events.h"
#include "lib/kube/httplib_transport.h"
#include "lib/kube/model_objects.h"
#include "test/kube/controller_process.h"
#include "test/kube/rights.h"
#include "test/support/wait.h"

namespace directfaas::test {
namespace {

using support::wait_until;
using testing::HasSubstr;

constexpr const char* kCaSecret = "/api/v1/namespaces/directfaas-system/secrets/directfaas-ca";
constexpr const char* kCaMap = "/api/v1/namespaces/directfaas-system/configmaps/directfaas-ca";

class RightsTest : public testing::Test {
   protected:
    void SetUp() override {
        static const bool installed = [] {
            install(server(), {"n1", "n2"});
            return true;
        }();
        EXPECT_TRUE(installed);
    }

    static Apiserver& server() { return apiserver(); }

    static std::string token(const std::string& account, const std::string& pod = "") {
        return account_token(server(), account, pod);
    }

    static kube::Answer<std::string> write_state(kube::Client& client, const std::string& node) {
        return client.apply(kube::object_path(kube::node_states(), node), "directfaas-agent",
                            kube::node_state_text(node, {}, "2026-11-24T09:00:00Z"));
    }
    static void expect_refused(const kube::Answer<std::string>& answer, const char* why) {
        ASSERT_FALSE(answer);
        EXPECT_THAT(answer.error().text(), HasSubstr(why));
    }
};

TEST_F(RightsTest, AnAgentWritesTheStateOfItsOwnNodeOnly) {
    const auto agent = server().client(token("directfaas-agent", "agent-n1"));
    // The policy is taken up a moment after it was written; from then on it holds.
    const auto other = server().client(token("directfaas-agent", "agent-n2"));
    ASSERT_TRUE(wait_until([&] { return !write_state(*other, "nobody").has_value(); }));

    const auto own = write_state(*agent, "n1");
    EXPECT_TRUE(own) << own.error().text();
    const auto again = write_state(*agent, "n1");
    EXPECT_TRUE(again) << again.error().text();
    expect_refused(write_state(*agent, "n2"),
                   "the agent of node n1 may write DirectFaaSNode n1 only, not n2");
    const auto theirs = write_state(*other, "n2");
    EXPECT_TRUE(theirs) << theirs.error().text();
    expect_refused(write_state(*agent, "n2"), "not n2");
    expect_refused(agent->create(kube::node_states().path,
                                 kube::node_state_text("n3", {}, "2026-11-24T09:00:00Z")),
                   "not n3");
    const auto unbound = server().client(token("directfaas-agent"));
    expect_refused(write_state(*unbound, "n1"), "the agent's token names no node");
}

TEST_F(RightsTest, AnAgentWritesNothingElse) {
    const auto agent = server().client(token("directfaas-agent", "agent-n1"));
    expect_refused(agent->remove(kube::object_path(kube::node_states(), "n1")), "403");
    expect_refused(agent->get(kube::object_path(kube::node_states(), "n1")), "403");
    expect_refused(
        agent->merge("/apis/directfaas.io/v1alpha1/namespaces/default/functionchains/x/status",
                     R"({"status":{}})"),
        "403");
    expect_refused(agent->get("/apis/events.k8s.io/v1/namespaces/default/events"), "403");
    expect_refused(agent->create("/api/v1/namespaces/default/events", "{}"), "403");
    expect_refused(agent->get("/api/v1/namespaces/default/secrets"), "403");
    EXPECT_TRUE(agent->list(kube::resource_of(kube::Kind::kFunctionChain)));
    EXPECT_TRUE(agent->list(kube::resource_of(kube::Kind::kPod)));
}

/// An Event as the agent of `node` writes it.
Json event(const std::string& name, const std::string& node) {
    return {{"apiVersion", "events.k8s.io/v1"},
            {"kind", "Event"},
            {"metadata", {{"name", name}, {"namespace", "default"}}},
            {"eventTime", "2026-11-24T09:00:00.000000Z"},
            {"reportingController", "directfaas.io/agent"},
            {"reportingInstance", node},
            {"type", "Warning"},
            {"reason", "NotEnforced"},
            {"action", "Attach"},
            {"note", "because"},
            {"regarding", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}, {"uid", node}}}};
}

TEST_F(RightsTest, AnAgentTellsEventsInItsOwnNodesNameOnly) {
    const std::string path = "/apis/events.k8s.io/v1/namespaces/default/events";
    const auto agent = server().client(token("directfaas-agent", "agent-n1"));
    int serial = 0;
    const auto nothing = Json::object();
    const auto write = [&](kube::Client& client, const Json& change, const char* node = "n1") {
        auto body = event("e" + std::to_string(++serial), node);
        body.merge_patch(change);
        return client.create(path, body.dump());
    };
    // The policy is taken up a moment after it was written; from then on it holds.
    ASSERT_TRUE(wait_until([&] { return !write(*agent, nothing, "nobody").has_value(); }));

    const auto own = write(*agent, nothing);
    EXPECT_TRUE(own) << own.error().text();
    const auto of_a_pod =
        write(*agent, {{"regarding", {{"kind", "Pod"}, {"name", "p"}, {"namespace", "default"}}}});
    EXPECT_TRUE(of_a_pod) << of_a_pod.error().text();
    expect_refused(write(*agent, {{"reportingInstance", "n2"}}),
                   "may write Events as reportingInstance n1 only, not n2");
    expect_refused(write(*agent, nothing, "n2"), "not n2");
    expect_refused(write(*agent, {{"reportingController", "kubelet"}}),
                   "as reportingController directfaas.io/agent only");
    expect_refused(write(*agent, {{"regarding", {{"name", "n2"}}}}),
                   "no Events about another node");
    const auto unbound = server().client(token("directfaas-agent"));
    expect_refused(write(*unbound, nothing), "the agent's token names no node");
}

TEST_F(RightsTest, TheRecordersEventsAreTaken) {
    kube::EventRecorder recorder(
        kube::transports_to(server().access(token("directfaas-agent", "agent-n1")))(),
        {.controller = "directfaas.io/agent", .instance = "n1"});
    recorder.record({.api_version = "v1",
                     .kind = "Node",
                     .ns = "",
                     .name = "n1",
                     .uid = "n1",
                     .type = kube::Event::Type::kWarning,
                     .reason = "RulesNotInForce",
                     .action = "Enforce",
                     .note = "table `vip` is full"});
    ASSERT_TRUE(wait_until([&] { return recorder.counters().sent == 1; }))
        << recorder.counters().dropped << " were refused";
    EXPECT_THAT(server().kubectl({"describe", "node", "n1"}), HasSubstr("table `vip` is full"));
}

TEST_F(RightsTest, TheWriterWritesChangesAndGathersThem) {
    const auto read = [] {
        const auto answer = server().client()->get(kube::object_path(kube::node_states(), "n1"));
        return answer ? Json::parse(*answer)["state"] : Json::object();
    };
    node_state::NodeStateWriter writer(
        kube::transports_to(server().access(token("directfaas-agent", "agent-n1")))(),
        {.node = "n1"});
    kube::NodeState state;
    state.version = "1.2.3";
    state.backend = "ebpf";
    writer.publish(state);
    ASSERT_TRUE(wait_until([&] { return read().value("agentVersion", "") == "1.2.3"; }))
        << writer.trouble();
    state.ready = true;
    for (int i = 0; i < 40; ++i) {
        state.problems.push_back({"Service default/s", i % 2 == 0, std::string(5000, 'x')});
    }
    state.problem_count = state.problems.size();
    state.chains = {{"shop", "app", "u", 7}};
    writer.publish(state);
    ASSERT_TRUE(wait_until([&] { return read().value("ready", false); })) << writer.trouble();
    const auto written = read();
    EXPECT_EQ(written["problems"].size(), kube::NodeState::kMaxProblems);
    EXPECT_EQ(written["problemCount"], 40);
    EXPECT_EQ(written["chains"][0]["generation"], 7);
    EXPECT_THAT(server().kubectl({"get", "dfnode"}), HasSubstr("n1"));
}

TEST_F(RightsTest, TheWriterSaysWhyItCannotWrite) {
    node_state::NodeStateWriter writer(
        kube::transports_to(server().access(token("directfaas-agent", "agent-n1")))(),
        {.node = "n2"});
    writer.publish({});
    ASSERT_TRUE(wait_until([&] { return !writer.trouble().empty(); }));
    EXPECT_THAT(writer.trouble(), HasSubstr("not n2"));
}

TEST_F(RightsTest, TheControllersRightsAreEnough) {
    const std::string chains = "/apis/directfaas.io/v1alpha1/namespaces/default/functionchains";
    server().create(chains, {{"apiVersion", "directfaas.io/v1alpha1"},
                             {"kind", "FunctionChain"},
                             {"metadata", {{"name", "mine"}}},
                             {"spec", {{"functions", {{{"name", "f"}}}}}}});
    // It has its Lease in the chart's namespace only.
    const ControllerProcess controller(server(), "limited", token("directfaas-controller"),
                                       kAgentNamespace);
    ASSERT_TRUE(wait_until([&] {
        return server().get(chains + "/mine").contains("/status/conditions"_json_pointer);
    })) << controller.log();
    EXPECT_FALSE(controller.log().contains("403")) << controller.log();
    server().remove(chains + "/mine");
}

/// The controller's answer over TLS to who trusts the ConfigMap's bundle; empty: they do not talk.
std::string ask_over_tls(Apiserver& server, int port) {
    const auto map = server.get(kCaMap);
    const auto file = server.directory() + "/ca.crt";
    std::ofstream(file) << map.value("/data/ca.crt"_json_pointer, std::string());
    httplib::SSLClient client("127.0.0.1", port);
    client.set_ca_cert_path(file);
    const auto answer = client.Get("/metrics");
    return answer ? answer->body : "";
}

TEST_F(RightsTest, TheControllerKeepsItsAuthorityInOneSecret) {
    const auto account = token("directfaas-controller");
    const auto serve = [&](const char* identity, int port) {
        return std::make_unique<ControllerProcess>(
            server(), identity, account, kAgentNamespace,
            std::vector<std::string>{"--https-listen", fmt::format("127.0.0.1:{}", port),
                                     "--https-name", "127.0.0.1"});
    };
    const int port = free_port();
    const int other_port = free_port();
    auto one = serve("tls-one", port);
    const auto two = serve("tls-two", other_port);
    ASSERT_TRUE(wait_until([&] { return !ask_over_tls(server(), port).empty(); })) << one->log();
    ASSERT_TRUE(wait_until([&] { return !ask_over_tls(server(), other_port).empty(); }))
        << two->log();
    EXPECT_THAT(ask_over_tls(server(), port),
                HasSubstr("\ndirectfaas_controller_ca_expiry_timestamp_seconds 1"));
    const auto kept = server().get(kCaSecret)["data"];
    EXPECT_TRUE(kept.contains("ca.key"));

    one.reset();
    one = serve("tls-again", port);
    ASSERT_TRUE(wait_until([&] { return !ask_over_tls(server(), port).empty(); })) << one->log();
    EXPECT_EQ(server().get(kCaSecret)["data"], kept);
    // What the chart says of both has no data, and takes none away.
    server().kubectl({"apply", "-f", DF_SOURCE_DIR "/deploy/install.yaml"});
    EXPECT_EQ(server().get(kCaSecret)["data"], kept);

    const auto controller = server().client(account);
    const std::string secrets = fmt::format("/api/v1/namespaces/{}/secrets", kAgentNamespace);
    EXPECT_TRUE(controller->get(kCaSecret));
    expect_refused(controller->get(secrets), "403");
    expect_refused(controller->get(secrets + "/another"), "403");
    expect_refused(controller->remove(kCaSecret), "403");
    expect_refused(controller->create(secrets, "{}"), "403");
    expect_refused(controller->get("/api/v1/namespaces/default/secrets/directfaas-ca"), "403");
    expect_refused(server().client(token("directfaas-agent", "agent-n1"))->get(kCaSecret), "403");
}

}  // namespace
}  // namespace directfaas::test
