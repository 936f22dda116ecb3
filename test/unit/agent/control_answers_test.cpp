// SPDX-License-Identifier: Apache-2.0
// docs/control-protocol.md: what the questions are answered, over a real socket.
#include "test/unit/agent/control_fixture.h"

namespace directfaas::control {
namespace {

using namespace agent_test;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ControlTest, StatusTellsWhatThereIs) {
    backend::Counters counters;
    counters.functions[function("front")].opened = 12;
    counters.open_by_instance[ip("10.1.0.1")] = 3;
    counters.tables = {{"ct", 5, 100, 4096}};
    agent_.backend_.set_counters(counters);
    agent_.told.version = "1.2.3";
    agent_.told.instance = "node-a";
    agent_.told.metrics_address = "127.0.0.1:9467";
    agent_.told.not_ready = {"one reason", "another"};
    agent_.told.sources = {{"directory /m", 4, 1}};
    agent_.told.problems = {
        {model::Problem::Severity::kError, {"a.yaml", 3}, "Service shop/x", "is wrong", "mend it"}};
    agent_.told.held_now[function("back")] = 2;
    agent_.told.unattached = {{"shop/back-1", "no route"}};
    agent_.told.since_last_sync = std::chrono::seconds(4);
    const auto status = ask({{"command", "status"}});
    EXPECT_EQ(status["ok"], true);
    EXPECT_EQ(status["version"], "1.2.3");
    EXPECT_EQ(status["instance"], "node-a");
    EXPECT_EQ(status["pid"], getpid());
    EXPECT_EQ(status["metrics_address"], "127.0.0.1:9467");
    EXPECT_EQ(status["ready"], false);
    EXPECT_EQ(status["not_ready_because"], "one reason; another");
    EXPECT_EQ(status["last_sync_seconds"], 4.0);
    EXPECT_EQ(status["sources"],
              json::parse(R"([{"name":"directory /m","objects":4,"problems":1}])"));
    EXPECT_EQ(status["functions"], json::parse(R"([
        {"name":"shop/back","vips":["10.96.0.2:80/TCP"],"ready":1,"draining":0,
         "enforcement":"Enforce","open":0,"opened":0,"held_now":2},
        {"name":"shop/front","vips":["10.96.0.1:80/TCP"],"ready":1,"draining":0,
         "enforcement":"Enforce","open":3,"opened":12,"held_now":0}])"));
    EXPECT_EQ(status["attachments"], json::parse(R"([{"pod":"shop/front-1","ifindex":7,
        "identity":"shop/front","interface":"veth7","adopted":true}])"));
    EXPECT_EQ(status["unattached"], json::parse(R"([{"pod":"shop/back-1","why":"no route"}])"));
    EXPECT_EQ(status["problems"], json::parse(R"([{"severity":"error","file":"a.yaml","line":3,
        "object":"Service shop/x","message":"is wrong","advice":"mend it"}])"));
    EXPECT_EQ(status["tables"], json::parse(R"([{"name":"ct","entries":5,"capacity":100}])"));
}

TEST_F(ControlTest, TheCniPluginsRequests) {
    const json add{
        {"command", "cni_add"},  {"container", "c1"},      {"container_interface", "eth0"},
        {"pod", "shop/front-1"}, {"interface", "veth7"},   {"ifindex", 7},
        {"wait_ms", 40},         {"of_a_later_version", 1}};
    EXPECT_EQ(ask(add), json::parse(R"({"ok":true,"state":"not_yet","why":"not there"})"));
    EXPECT_EQ(ask({{"command", "cni_check"}, {"pod", "shop/front-1"}, {"ifindex", 7}})["state"],
              "enforced");
    EXPECT_EQ(ask({{"command", "cni_check"}, {"pod", "shop/front-1"}, {"ifindex", 8}})["state"],
              "no_function");
    const json key{{"container", "c1"}, {"container_interface", "eth0"}};
    auto del = key;
    del["command"] = "cni_del";
    EXPECT_EQ(ask(del), json::parse(R"({"ok":true})"));
    EXPECT_EQ(ask({{"command", "cni_gc"}, {"valid", {key}}})["removed"], 3);
    agent_.told.not_ready = {"a reason"};
    const auto readiness = ask({{"command", "cni_status"}});
    EXPECT_EQ(readiness["ready"], false);
    EXPECT_EQ(readiness["not_ready_because"], "a reason");
    EXPECT_THAT(agent_.acts,
                ElementsAre("cni_add shop/front-1 veth7 40", "cni_del c1", "cni_gc 1"));
}

TEST_F(ControlTest, WrongRequestsOfTheCniPluginAreRefused) {
    expect_refused({{"command", "cni_add"}}, "bad_request", "an attachment has");
    expect_refused({{"command", "cni_check"}}, "bad_request", "cni_check has");
    expect_refused({{"command", "cni_del"}}, "bad_request", "container");
    expect_refused({{"command", "cni_gc"}}, "bad_request", "valid");
    expect_refused({{"command", "cni_gc"}, {"valid", {json::object()}}}, "bad_request",
                   "container");
    expect_refused({{"command", "cni_nonsense"}}, "bad_request", "no command");
    EXPECT_TRUE(agent_.acts.empty());
}

TEST_F(ControlTest, CheckListsCapabilities) {
    agent_.backend_.capabilities = {{"bpffs", false, true, "not mounted", "mount it"}};
    EXPECT_EQ(ask({{"command", "check"}}), json::parse(R"({"ok":true,"checks":[{"name":"bpffs",
        "ok":false,"required":true,"detail":"not mounted","advice":"mount it"}]})"));
}

TEST_F(ControlTest, RulesAreTheWantedOnesOrTheInstalled) {
    const auto wanted = ask({{"command", "rules"}});
    EXPECT_EQ(wanted["identities"].size(), 3U);
    EXPECT_EQ(wanted["identities"][2]["identity"], "shop/gateway (entry)");
    EXPECT_EQ(wanted["identities"][2]["kind"], "entry");
    EXPECT_EQ(wanted["identities"][0]["served"], json({"8080/TCP"}));
    EXPECT_EQ(wanted["routes"][0], json::parse(R"({"vip":"10.96.0.1:80/TCP","function":"shop/front",
        "when_empty":"refuse","affinity_s":0,"endpoints":[{"address":"10.1.0.1:8080","state":"ready","ifindex":7}]})"));
    EXPECT_EQ(wanted["attachments"][0]["addresses"], json({"10.1.0.1"}));
    EXPECT_EQ(wanted["addresses"].size(), 2U);
    bool found = false;
    for (const auto& edge : wanted["allowed"]) {
        if (edge["from"] == "shop/front" && edge["to"] == "shop/back") {
            found = true;
            EXPECT_EQ(edge["declared"], json::parse(R"({"file":"chain.yaml","line":12})"));
        }
    }
    EXPECT_TRUE(found);
    agent_.backend_.rules.routes.clear();
    EXPECT_TRUE(ask({{"command", "rules"}, {"installed", true}})["routes"].empty());
    EXPECT_FALSE(ask({{"command", "rules"}, {"installed", false}})["routes"].empty());
    agent_.backend_.fail_dump(util::Error{0, "maps are gone"});
    expect_refused({{"command", "rules"}, {"installed", true}}, "failed", "maps are gone");
}

TEST_F(ControlTest, EdgesTellCountsAndHandshakes) {
    backend::Counters counters;
    auto& edge = counters.edges[{function("front"), function("back")}];
    edge = {.opened = 5,
            .open = 1,
            .closed_by_caller = 3,
            .closed_by_callee = 1,
            .reset = 2,
            .bytes_request = 100,
            .bytes_reply = 200,
            .handshake_sum_ns = 1,
            .handshake_log2_us = std::vector<std::uint64_t>(24, 0)};
    edge.handshake_log2_us[6] = 5;
    counters.denied = {{function("back"), function("front"), DF_REASON_NO_EDGE, 9}};
    counters.edges[{model::Identity{}, function("front")}] = {};
    agent_.backend_.set_counters(counters);
    const auto answer = ask({{"command", "edges"}});
    ASSERT_EQ(answer["edges"].size(), 2U);
    EXPECT_EQ(answer["edges"][0]["from"], "outside");
    EXPECT_EQ(answer["edges"][0]["handshake_p50_us"], nullptr);
    const auto& told = answer["edges"][1];
    EXPECT_EQ(told["opened"], 5);
    EXPECT_EQ(told["open"], 1);
    EXPECT_EQ(told["closed_by_caller"], 3);
    EXPECT_EQ(told["closed_by_callee"], 1);
    EXPECT_EQ(told["reset"], 2);
    EXPECT_EQ(told["bytes_request"], 100);
    EXPECT_EQ(told["bytes_reply"], 200);
    EXPECT_EQ(told["handshake_p50_us"], 48.0) << "half of the bucket from 32 to 64";
    EXPECT_EQ(told["handshake_log2_us"][6], 5) << "so that nodes can be added up";
    EXPECT_EQ(told["declared"]["line"], 12);
    EXPECT_EQ(answer["denied"], json::parse(R"([{"from":"shop/back","to":"shop/front",
        "reason":"no_edge","calls":9}])"));
}

TEST_F(ControlTest, FunctionsTellInstancesAndCalls) {
    backend::Counters counters;
    counters.functions[function("front")] = {
        .opened = 12, .zero_syn = 4, .held = 3, .denied = 2, .audited = 1, .no_endpoint = 5};
    counters.open_by_instance[ip("10.1.0.1")] = 3;
    agent_.backend_.set_counters(counters);
    agent_.told.held_now[function("back")] = 2;
    const auto functions = ask({{"command", "functions"}})["functions"];
    ASSERT_EQ(functions.size(), 2U);
    EXPECT_EQ(functions[0]["name"], "shop/back");
    EXPECT_EQ(functions[0]["held_now"], 2);
    EXPECT_EQ(functions[0]["opened"], 0);
    EXPECT_EQ(functions[1], json::parse(R"({"name":"shop/front","vips":["10.96.0.1:80/TCP"],
        "enforcement":"Enforce","ingress":true,"ready":1,"draining":0,"open":3,"opened":12,
        "denied":2,"audited":1,"no_instance":4,"refused":5,"held_packets":3,"held_now":0,
        "instances":[{"address":"10.1.0.1","state":"ready","open":3}]})"));
    expect_refused({{"command", "functions"}, {"all", true}}, "bad_request", "no field `all`");
}

TEST_F(ControlTest, ExplainSaysWhy) {
    const auto yes = ask({{"command", "explain"}, {"from", "front"}, {"to", "shop/back"}});
    EXPECT_EQ(yes["allowed"], true) << yes;
    EXPECT_EQ(yes["from"], "shop/front");
    EXPECT_EQ(yes["because"], json::parse(R"({"file":"chain.yaml","line":12})"));
    EXPECT_EQ(yes["routes"],
              json::parse(R"([{"vip":"10.96.0.2:80/TCP","when_empty":"refuse","affinity_s":0,
        "endpoints":[{"address":"10.1.0.2:8080","state":"ready","open":0}]}])"));
    EXPECT_EQ(yes["installed"], json({"allow shop/front -> shop/back", "route 10.96.0.2:80/TCP"}));
    const auto no = ask({{"command", "explain"}, {"from", "back"}, {"to", "front"}, {"port", 80}});
    EXPECT_EQ(no["ok"], true);
    EXPECT_EQ(no["allowed"], false);
    EXPECT_NE(no["advice"], "");
    EXPECT_FALSE(no.contains("because"));
    expect_refused({{"command", "explain"}, {"from", "nobody"}, {"to", "front"}}, "not_found",
                   "nobody");
    expect_refused({{"command", "explain"}, {"from", "front"}}, "bad_request", "`to`");
    expect_refused({{"command", "explain"}, {"from", "a"}, {"to", "b"}, {"port", 70000}},
                   "bad_request", "`port`");
}

}  // namespace
}  // namespace directfaas::control
