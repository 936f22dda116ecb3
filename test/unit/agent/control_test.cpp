// SPDX-License-Identifier: Apache-2.0
// docs/control-protocol.md, command by command, over a real socket.
#include "agent/control/control.h"

#include <fmt/chrono.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "test/support/memory_backend.h"
#include "test/unit/agent/line_client.h"
#include "test/unit/agent/shop.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas::control {
namespace {

using namespace agent_test;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// An agent that does what it is told and remembers it.
class FakeAgent final : public AgentAccess {
   public:
    FakeAgent() : model_({.node_name = "n", .pod_networks = {}}) {
        model::apply(*model_.replace_all(shop_files()), backend_.rules);
        model::apply(model_.set_link(shop("front-1"), model::Link{7, true}), backend_.rules);
    }

    [[nodiscard]] const model::Model& model() const override { return model_; }
    backend::Backend& backend() override { return backend_; }
    [[nodiscard]] Facts facts() const override { return told; }
    [[nodiscard]] std::string interface_name(unsigned ifindex) const override {
        return "veth" + std::to_string(ifindex);
    }
    std::expected<unsigned, Refusal> attach(const model::ObjectName& pod,
                                            const std::string& name) override {
        acts.push_back("attach " + pod.text() + " " + name);
        if (name == "nope") {
            return std::unexpected(Refusal{"failed", "no such interface", "name another"});
        }
        return 7U;
    }
    std::expected<void, Refusal> detach(const model::ObjectName& pod) override {
        acts.push_back("detach " + pod.text());
        return {};
    }
    void cni_add(cni::Attachment attachment, std::chrono::milliseconds patience,
                 std::function<void(const cni::Standing&)> done) override {
        acts.push_back("cni_add " + attachment.pod.text() + " " + attachment.interface_name + " " +
                       std::to_string(patience.count()));
        done({cni::State::kNotYet, "not there"});
    }
    [[nodiscard]] cni::Standing cni_check(const model::ObjectName&,
                                          unsigned ifindex) const override {
        return {ifindex == 7 ? cni::State::kEnforced : cni::State::kNoFunction, ""};
    }
    void cni_del(const cni::Key& key) override { acts.push_back("cni_del " + key.container); }
    std::size_t cni_gc(const std::vector<cni::Key>& valid) override {
        acts.push_back("cni_gc " + std::to_string(valid.size()));
        return 3;
    }
    util::Result<void> set_trace(bool on) override {
        acts.emplace_back(on ? "trace on" : "trace off");
        return {};
    }
    util::Result<void> set_drain(bool on) override {
        acts.emplace_back(on ? "drain on" : "drain off");
        return {};
    }
    void end() override { acts.emplace_back("end"); }

    Facts told;
    std::vector<std::string> acts;
    model::Model model_;
    support::MemoryBackend backend_;
};

backend::FlowEvent event(df_verdict verdict, df_reason reason, const std::string& from) {
    backend::FlowEvent event;
    event.time = std::chrono::steady_clock::now().time_since_epoch();
    event.flow = {ip("10.1.0.1"), ip("10.96.0.2"), 40000, 80, IPPROTO_TCP};
    event.verdict = verdict;
    event.reason = reason;
    event.from = from.empty() ? model::Identity{} : function(from);
    event.to = function("back");
    event.length = 74;
    return event;
}

class ControlTest : public testing::Test {
   protected:
    void SetUp() override {
        auto control = Control::create(*loop_, agent_, {.socket = path_, .limits = {}});
        ASSERT_TRUE(control) << control.error().text();
        control_ = std::move(*control);
    }
    json ask(const json& request) { return LineClient(*loop_, path_).ask(request); }
    void expect_refused(const json& request, const std::string& code, const std::string& text) {
        const auto answer = ask(request);
        EXPECT_EQ(answer.value("ok", true), false) << request;
        EXPECT_EQ(answer.value("code", ""), code) << request;
        EXPECT_THAT(answer.value("error", ""), HasSubstr(text)) << request;
    }

    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    TempDir dir_;
    std::string path_ = dir_.file("agent.sock");
    FakeAgent agent_;
    std::unique_ptr<Control> control_;
};

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

TEST_F(ControlTest, WhatIsNoRequestIsRefused) {
    for (const std::string text : {"nonsense", "[]", "{}", R"({"command": 3})", ""}) {
        LineClient client(*loop_, path_);
        client.send(text + "\n");
        const auto answer = client.next();
        EXPECT_EQ(answer["ok"], false) << text;
        EXPECT_EQ(answer["code"], "bad_request") << text;
        EXPECT_EQ(client.ask({{"command", "check"}})["ok"], true) << "after " << text;
    }
    expect_refused({{"command", "reboot"}}, "bad_request", "reboot");
    expect_refused({{"command", "status"}, {"verbose", true}}, "bad_request", "`verbose`");
    expect_refused({{"command", "rules"}, {"installed", "yes"}}, "bad_request", "`installed`");
    expect_refused({{"command", "detach"}}, "bad_request", "`pod`");
    expect_refused({{"command", "detach"}, {"pod", "front-1"}}, "bad_request", "front-1");
}

TEST_F(ControlTest, PodsAreAttachedAndDetachedByHand) {
    EXPECT_EQ(ask({{"command", "attach"}, {"pod", "shop/front-1"}, {"interface", "veth9"}}),
              json::parse(R"({"ok":true,"ifindex":7})"));
    EXPECT_EQ(ask({{"command", "detach"}, {"pod", "shop/front-1"}})["ok"], true);
    EXPECT_THAT(agent_.acts, ElementsAre("attach shop/front-1 veth9", "detach shop/front-1"));
    const auto refused = ask({{"command", "attach"}, {"pod", "shop/a"}, {"interface", "nope"}});
    EXPECT_EQ(refused["code"], "failed");
    EXPECT_EQ(refused["advice"], "name another");
    expect_refused({{"command", "attach"}, {"pod", "shop/a"}}, "bad_request", "`interface`");
}

TEST_F(ControlTest, ObserveRemembersTheLatest) {
    control_->take(event(DF_VERDICT_REFUSE, DF_REASON_NO_EDGE, "front"));
    control_->take(event(DF_VERDICT_DROP, DF_REASON_SPOOFED, ""));
    control_->take(event(DF_VERDICT_REFUSE, DF_REASON_NO_EDGE, "back"));
    const auto all = ask({{"command", "observe"}})["events"];
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0]["from"], "shop/front");
    EXPECT_EQ(all[0]["verdict"], "refuse");
    EXPECT_EQ(all[0]["reason"], "no_edge");
    EXPECT_EQ(all[0]["source"], "10.1.0.1:40000");
    EXPECT_EQ(all[0]["destination"], "10.96.0.2:80");
    EXPECT_EQ(all[0]["protocol"], "TCP");
    EXPECT_EQ(all[0]["length"], 74);
    EXPECT_FALSE(all[0].contains("instance"));
    const auto now = std::chrono::system_clock::now();
    const auto year = fmt::format("{:%Y-%m-}", std::chrono::floor<std::chrono::seconds>(now));
    EXPECT_THAT(all[0]["time"].get<std::string>(), testing::StartsWith(year));
    EXPECT_THAT(all[0]["time"].get<std::string>(), testing::EndsWith("Z"));
    const auto latest = ask({{"command", "observe"}, {"limit", 1}})["events"];
    ASSERT_EQ(latest.size(), 1U);
    EXPECT_EQ(latest[0]["from"], "shop/back");
    EXPECT_EQ(ask({{"command", "observe"}, {"reason", "spoofed"}})["events"].size(), 1U);
    EXPECT_EQ(ask({{"command", "observe"}, {"verdict", "refuse"}})["events"].size(), 2U);
    EXPECT_EQ(ask({{"command", "observe"}, {"from", "outside"}})["events"].size(), 1U);
    EXPECT_EQ(ask({{"command", "observe"}, {"from", "shop/front"}})["events"].size(), 1U);
    EXPECT_EQ(ask({{"command", "observe"}, {"to", "front"}})["events"].size(), 0U);
    const auto wrong = ask({{"command", "observe"}, {"reason", "bad_luck"}});
    EXPECT_EQ(wrong["code"], "bad_request");
    EXPECT_THAT(wrong["advice"].get<std::string>(), HasSubstr("no_edge"));
    EXPECT_TRUE(agent_.acts.empty()) << "nobody follows, so nothing needs to be traced";
}

TEST_F(ControlTest, FollowersGetTheirEventsAndOnlyThose) {
    LineClient denials(*loop_, path_);
    EXPECT_EQ(denials.ask({{"command", "observe"}, {"follow", true}, {"verdict", "refuse"}}),
              json::parse(R"({"ok":true})"));
    EXPECT_TRUE(agent_.acts.empty());
    {
        LineClient all(*loop_, path_);
        all.ask({{"command", "observe"}, {"follow", true}});
        EXPECT_THAT(agent_.acts, ElementsAre("trace on"));
        control_->take(event(DF_VERDICT_PASS, DF_REASON_FORWARDED, "front"));
        control_->take(event(DF_VERDICT_REFUSE, DF_REASON_NO_EDGE, "back"));
        EXPECT_EQ(all.next()["reason"], "forwarded");
        EXPECT_EQ(all.next()["reason"], "no_edge");
        const auto got = denials.next();
        EXPECT_EQ(got["reason"], "no_edge");
        EXPECT_FALSE(got.contains("ok"));
    }
    EXPECT_TRUE(pump_until(*loop_, [this] { return agent_.acts.size() == 2; }));
    EXPECT_EQ(agent_.acts.back(), "trace off");
}

TEST_F(ControlTest, AFollowerIsClosedAfterItsLimit) {
    LineClient client(*loop_, path_);
    client.ask({{"command", "observe"}, {"follow", true}, {"limit", 2}, {"verdict", "pass"}});
    for (int i = 0; i < 3; ++i) {
        control_->take(event(DF_VERDICT_PASS, DF_REASON_FORWARDED, "front"));
    }
    EXPECT_EQ(client.next()["reason"], "forwarded");
    EXPECT_EQ(client.next()["reason"], "forwarded");
    EXPECT_TRUE(client.is_closed());
    EXPECT_THAT(agent_.acts, ElementsAre("trace on", "trace off"));
}

TEST_F(ControlTest, MemoryOfEventsIsBounded) {
    for (int i = 0; i < 5000; ++i) {
        control_->take(event(DF_VERDICT_DROP, DF_REASON_SPOOFED, ""));
    }
    EXPECT_EQ(ask({{"command", "observe"}})["events"].size(), ControlOptions{}.remembered_events);
}

backend::Counters one_open() {
    backend::Counters counters;
    counters.edges[{function("front"), function("back")}].open = 1;
    return counters;
}

TEST_F(ControlTest, DetachAllWaitsForOpenConnections) {
    agent_.backend_.set_counters(one_open());
    LineClient client(*loop_, path_);
    client.send(R"({"command":"detach","all":true,"timeout_seconds":60})"
                "\n");
    ASSERT_TRUE(pump_until(*loop_, [this] { return !agent_.acts.empty(); }));
    EXPECT_THAT(agent_.acts, ElementsAre("drain on"));
    EXPECT_TRUE(control_->removing());
    expect_refused({{"command", "detach"}, {"all", true}}, "failed", "already");
    EXPECT_FALSE(agent_.backend_.removed);
    agent_.backend_.set_counters({});
    EXPECT_EQ(client.next(), json::parse(R"({"ok":true,"drained":true,"open_left":0})"));
    EXPECT_TRUE(agent_.backend_.removed);
    EXPECT_EQ(agent_.acts.back(), "end");
}

TEST_F(ControlTest, DetachAllDoesNotWaitForEver) {
    auto counters = one_open();
    counters.open_by_instance[ip("10.1.0.2")] = 4;
    agent_.backend_.set_counters(counters);
    EXPECT_EQ(ask({{"command", "detach"}, {"all", true}, {"timeout_seconds", 0}}),
              json::parse(R"({"ok":true,"drained":false,"open_left":4})"));
    EXPECT_TRUE(agent_.backend_.removed);
}

TEST_F(ControlTest, ARemovalThatFailsLeavesTheAgentRunning) {
    agent_.backend_.fail_remove(util::Error{0, "a pin is busy"});
    expect_refused({{"command", "detach"}, {"all", true}}, "failed", "a pin is busy");
    EXPECT_THAT(agent_.acts, ElementsAre("drain on", "drain off"));
    EXPECT_FALSE(control_->removing());
}

TEST_F(ControlTest, ARemovalGoesOnWithoutItsClient) {
    agent_.backend_.set_counters(one_open());
    {
        LineClient client(*loop_, path_);
        client.send(R"({"command":"detach","all":true})"
                    "\n");
        ASSERT_TRUE(pump_until(*loop_, [this] { return control_->removing(); }));
    }
    pump(*loop_);
    agent_.backend_.set_counters({});
    EXPECT_TRUE(pump_until(*loop_, [this] { return agent_.backend_.removed; }));
}

}  // namespace
}  // namespace directfaas::control
