// SPDX-License-Identifier: Apache-2.0
// Two replicas of the controller on a real apiserver: what they say of chains, and the takeover.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <optional>

#include "lib/kube/node_state.h"
#include "test/kube/controller_process.h"
#include "test/support/wait.h"

namespace directfaas::test {
namespace {

using support::wait_until;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

constexpr const char* kNamespace = "shop";

std::string in_namespace(const std::string& group, const std::string& rest) {
    return group + "/namespaces/" + kNamespace + "/" + rest;
}
std::string chains(const std::string& name = "") {
    return in_namespace("/apis/directfaas.io/v1alpha1",
                        "functionchains" + (name.empty() ? "" : "/" + name));
}

Json chain_object(const std::string& name, const Json& spec) {
    return {{"apiVersion", "directfaas.io/v1alpha1"},
            {"kind", "FunctionChain"},
            {"metadata", {{"name", name}}},
            {"spec", spec}};
}

Json edge(const char* from, const char* to) { return {{"from", from}, {"to", to}}; }

Json spec_of(const std::vector<const char*>& functions, const std::vector<Json>& edges) {
    Json spec{{"functions", Json::array()}, {"edges", edges}};
    for (const auto* function : functions) {
        spec["functions"].push_back({{"name", function}});
    }
    return spec;
}

class ControllerTest : public testing::Test {
   protected:
    void SetUp() override {
        if (!server_.client()->get(std::string("/api/v1/namespaces/") + kNamespace)) {
            server_.create("/api/v1/namespaces", {{"apiVersion", "v1"},
                                                  {"kind", "Namespace"},
                                                  {"metadata", {{"name", kNamespace}}}});
        }
    }
    void TearDown() override {
        const auto all = server_.get(chains());
        for (const auto& object : all["items"]) {
            server_.remove(chains(object["metadata"]["name"]));
        }
    }

    void create_service(const std::string& name, const Json& more = Json::object()) {
        Json spec{{"selector", {{"app", name}}}, {"ports", {{{"name", "http"}, {"port", 80}}}}};
        spec.update(more);
        server_.create(in_namespace("/api/v1", "services"), {{"apiVersion", "v1"},
                                                             {"kind", "Service"},
                                                             {"metadata", {{"name", name}}},
                                                             {"spec", spec}});
    }
    void create_slice(const std::string& service, const std::string& address,
                      const std::string& node) {
        server_.create(in_namespace("/apis/discovery.k8s.io/v1", "endpointslices"),
                       {{"apiVersion", "discovery.k8s.io/v1"},
                        {"kind", "EndpointSlice"},
                        {"metadata",
                         {{"name", service + "-" + node},
                          {"labels", {{"kubernetes.io/service-name", service}}}}},
                        {"addressType", "IPv4"},
                        {"ports", {{{"name", "http"}, {"port", 8080}}}},
                        {"endpoints",
                         {{{"addresses", {address}},
                           {"nodeName", node},
                           {"conditions", {{"ready", true}}}}}}});
    }
    /// What the agent of a node would write.
    void report(const std::string& node, const std::string& chain, std::int64_t generation) {
        kube::NodeState state;
        state.ready = true;
        state.chains = {
            {kNamespace, chain, server_.get(chains(chain))["metadata"]["uid"], generation}};
        const auto done = server_.client()->apply(
            kube::object_path(kube::node_states(), node), "directfaas-agent",
            kube::node_state_text(node, state, "2026-11-24T09:00:00Z"));
        ASSERT_TRUE(done) << done.error().text();
    }

    Json condition(const std::string& chain, const std::string& type) {
        const auto object = server_.get(chains(chain));
        for (const auto& condition :
             object.value("/status/conditions"_json_pointer, Json::array())) {
            if (condition["type"] == type) {
                return condition;
            }
        }
        return Json::object();
    }
    /// Waits until the condition is `status` for the chain's newest generation.
    Json wait_for(const std::string& chain, const std::string& type, const std::string& status,
                  const std::string& reason) {
        Json found;
        const bool came = wait_until([&] {
            found = condition(chain, type);
            return found.value("status", "") == status && found.value("reason", "") == reason &&
                   found.value("observedGeneration", 0) ==
                       server_.get(chains(chain))["metadata"]["generation"].get<int>();
        });
        EXPECT_TRUE(came) << chain << " " << type << " is " << found.dump() << ", not " << status
                          << " " << reason;
        return found;
    }
    static ControllerProcess& leader_of(ControllerProcess& a, ControllerProcess& b) {
        EXPECT_TRUE(wait_until([&] { return a.leads() || b.leads(); })) << a.log() << b.log();
        return a.leads() ? a : b;
    }

    Apiserver& server_ = apiserver();
};

TEST_F(ControllerTest, ConditionsEventsAndTakeover) {
    std::optional<ControllerProcess> one(std::in_place, server_, "one");
    std::optional<ControllerProcess> two(std::in_place, server_, "two");
    for (const auto* controller : {&*one, &*two}) {
        EXPECT_TRUE(wait_until([&] { return controller->http("/readyz") == "ready\n"; }))
            << controller->http("/readyz") << controller->log();
        EXPECT_EQ(controller->http("/healthz"), "ok\n");
    }

    // A Service that is not there yet.
    create_service("a");
    server_.create(chains(), chain_object("good", spec_of({"a", "b"}, {edge("a", "b")})));
    wait_for("good", "Accepted", "True", "Accepted");
    EXPECT_THAT(wait_for("good", "ResolvedRefs", "False", "ServiceNotFound")["message"],
                HasSubstr("function b: there is no Service shop/b"));
    create_service("b");
    wait_for("good", "ResolvedRefs", "True", "ResolvedRefs");
    wait_for("good", "Programmed", "True", "NoPods");

    // Each node with a pod of the chain has to have its rules.
    create_slice("a", "10.244.1.1", "n1");
    create_slice("b", "10.244.2.1", "n2");
    EXPECT_THAT(wait_for("good", "Programmed", "False", "Pending")["message"],
                HasSubstr("n1 (no agent has reported)"));
    report("n1", "good", 1);
    EXPECT_TRUE(
        wait_until([&] { return server_.get(chains("good"))["status"]["nodes"] == "1/2"; }));
    EXPECT_EQ(condition("good", "Programmed")["status"], "False");
    report("n2", "good", 1);
    const auto programmed = wait_for("good", "Programmed", "True", "Programmed");
    const auto vip = server_.get(in_namespace("/api/v1", "services/a"))["spec"]["clusterIP"];
    EXPECT_EQ(server_.get(chains("good"))["status"]["functions"][0],
              (Json{{"name", "a"}, {"vip", vip}}));

    // A cycle leaves the last accepted generation in force.
    server_.merge(chains("good"),
                  {{"spec", spec_of({"a", "b"}, {edge("a", "b"), edge("b", "a")})}});
    EXPECT_THAT(wait_for("good", "Accepted", "False", "CycleDetected")["message"],
                AllOf(HasSubstr("a→b→a"), HasSubstr("generation 1 stays in force")));
    wait_for("good", "Programmed", "False", "NotAccepted");
    EXPECT_EQ(server_.get(chains("good"))["status"]["accepted"]["generation"], 1);

    // The other replica goes on where the first was killed, and knows what is in force.
    auto& leader = leader_of(*one, *two);
    auto& other = &leader == &*one ? *two : *one;
    EXPECT_FALSE(other.leads());
    leader.kill_now();
    EXPECT_TRUE(wait_until([&] { return other.leads(); })) << other.log();
    server_.merge(chains("good"), {{"spec", spec_of({"a", "b"}, {edge("b", "a")})}});
    wait_for("good", "Accepted", "True", "Accepted");
    EXPECT_THAT(wait_for("good", "Programmed", "False", "Pending")["message"],
                HasSubstr("n1 (has generation 1)"));
    report("n1", "good", 3);
    report("n2", "good", 3);
    wait_for("good", "Programmed", "True", "Programmed");

    EXPECT_TRUE(wait_until([&] {
        const auto events = server_.kubectl(
            {"-n", kNamespace, "get", "events", "--field-selector", "involvedObject.name=good"});
        return events.contains("CycleDetected") && events.contains("Programmed");
    }));
    const auto table = server_.kubectl({"-n", kNamespace, "get", "fchain", "-o", "wide"});
    EXPECT_THAT(table, AllOf(HasSubstr("ACCEPTED"), HasSubstr("2/2"), HasSubstr("Enforce")));
    std::cout << table;

    EXPECT_EQ(other.terminate(), 0);
    EXPECT_EQ(
        server_
            .get("/apis/coordination.k8s.io/v1/namespaces/default/leases/directfaas-controller")
                ["spec"]
            .value("holderIdentity", ""),
        "")
        << "a clean end gives the lead back";
}

TEST_F(ControllerTest, AnEntrysPodsCountWhereTheyAre) {
    const ControllerProcess controller(server_, "entries");
    server_.create(
        in_namespace("/api/v1", "serviceaccounts"),
        {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}}}});
    const auto nodes = [&] {
        return server_.get(chains("entered"))
            .value("/status/nodes"_json_pointer, std::string("nothing"));
    };
    const auto create_chain = [&] {
        auto spec = spec_of({"f"}, {});
        spec["entries"].push_back(
            {{"name", "gw"}, {"selector", {{"matchLabels", {{"app", "gw"}}}}}});
        server_.create(chains(), chain_object("entered", spec));
    };
    create_chain();
    EXPECT_TRUE(wait_until([&] { return nodes() == "0/0"; })) << nodes();
    server_.create(in_namespace("/api/v1", "pods"),
                   {{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata", {{"name", "gw-0"}, {"labels", {{"app", "gw"}}}}},
                    {"spec",
                     {{"nodeName", "n7"},
                      {"automountServiceAccountToken", false},
                      {"containers", {{{"name", "c"}, {"image", "none"}}}}}}});
    EXPECT_TRUE(wait_until([&] { return nodes() == "0/1"; })) << nodes();
    EXPECT_THAT(condition("entered", "Programmed")["message"], HasSubstr("n7"));
    // Nobody watches the pod while it goes.
    server_.remove(chains("entered"));
    EXPECT_TRUE(wait_until([&] {
        return controller.http("/metrics").contains("\ndirectfaas_chains 0\n");
    })) << controller.http("/metrics")
        << controller.log();
    server_.remove(in_namespace("/api/v1", "pods/gw-0?gracePeriodSeconds=0"));
    create_chain();
    EXPECT_TRUE(wait_until([&] { return nodes() == "0/0"; })) << nodes();
}

TEST_F(ControllerTest, ANewControllerKeepsWhatAnEarlierOneAccepted) {
    create_service("x", {{"clusterIP", "None"}});
    create_service("y", {{"clusterIP", "None"}});
    server_.create(chains(), chain_object("kept", spec_of({"x", "y"}, {edge("x", "y")})));
    {
        const ControllerProcess first(server_, "first");
        wait_for("kept", "Accepted", "True", "Accepted");
        EXPECT_THAT(wait_for("kept", "ResolvedRefs", "False", "HeadlessService")["message"],
                    HasSubstr("Service shop/y"));
    }
    server_.merge(chains("kept"), {{"spec", spec_of({"x", "y"}, {edge("x", "z")})}});
    const ControllerProcess second(server_, "second");
    EXPECT_THAT(wait_for("kept", "Accepted", "False", "UnknownFunction")["message"],
                AllOf(HasSubstr("names z"), HasSubstr("generation 1 stays in force")));
    EXPECT_EQ(server_.get(chains("kept"))["status"]["accepted"]["generation"], 1);
    server_.create(chains(), chain_object("z", spec_of({"z"}, {})));
    wait_for("kept", "Accepted", "True", "Accepted");
}

}  // namespace
}  // namespace directfaas::test
