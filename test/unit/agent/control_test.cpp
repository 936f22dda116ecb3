// SPDX-License-Identifier: Apache-2.0
// docs/control-protocol.md: requests that are none, orders, events and the removal, over a real
// socket.
#include <fmt/chrono.h>
#include <netinet/in.h>

#include "test/unit/agent/control_fixture.h"

namespace directfaas::control {
namespace {

using namespace agent_test;
using testing::ElementsAre;
using testing::HasSubstr;

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
