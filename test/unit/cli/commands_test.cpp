// SPDX-License-Identifier: Apache-2.0
// Whole commands against an agent that answers: requests, exit statuses, output.
#include <gmock/gmock.h>

#include "test/unit/cli/command_fixture.h"

namespace directfaas::cli {
namespace {

using Json = nlohmann::json;  // unordered, unlike dfctl's own: fields are compared as a set
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Commands = CommandTest;

TEST_F(Commands, RequestsAreThoseOfTheProtocol) {
    EXPECT_EQ(request_of({"status"}), Json::parse(R"({"command":"status"})"));
    EXPECT_EQ(request_of({"check"}), Json::parse(R"({"command":"check"})"));
    EXPECT_EQ(request_of({"rules"}), Json::parse(R"({"command":"rules","installed":false})"));
    EXPECT_EQ(request_of({"rules", "--installed"}),
              Json::parse(R"({"command":"rules","installed":true})"));
    EXPECT_EQ(request_of({"functions"}), Json::parse(R"({"command":"functions"})"));
    EXPECT_EQ(request_of({"edges"}), Json::parse(R"({"command":"edges"})"));
    EXPECT_EQ(request_of({"explain", "a", "b"}),
              Json::parse(R"({"command":"explain","from":"a","to":"b"})"));
    EXPECT_EQ(request_of({"explain", "a", "b:80"}),
              Json::parse(R"({"command":"explain","from":"a","to":"b","port":80})"));
    EXPECT_EQ(request_of({"observe"}), Json::parse(R"({"command":"observe","follow":false})"));
    EXPECT_EQ(
        request_of({"observe", "--verdict", "drop", "--reason", "r", "--from", "a", "--to", "b",
                    "--limit", "2"}),
        Json::parse(
            R"({"command":"observe","follow":false,"verdict":"drop","reason":"r","from":"a","to":"b","limit":2})"));
    EXPECT_EQ(request_of({"attach", "s/p", "veth1"}),
              Json::parse(R"({"command":"attach","pod":"s/p","interface":"veth1"})"));
    EXPECT_EQ(request_of({"detach", "s/p"}), Json::parse(R"({"command":"detach","pod":"s/p"})"));
    EXPECT_EQ(request_of({"detach", "--all", "--timeout", "1500ms"}),
              Json::parse(R"({"command":"detach","all":true,"timeout_seconds":1.5})"));
}

TEST_F(Commands, TheExitStatusIsTheAnswer) {
    const auto exit_of = [this](const std::vector<std::string>& words, const std::string& answer) {
        request_of(words, answer);
        return ended_.exit;
    };
    EXPECT_EQ(exit_of({"status"}, R"({"ok":true,"ready":true})"), 0);
    EXPECT_EQ(exit_of({"status"}, R"({"ok":true,"ready":false})"), 1);
    EXPECT_EQ(exit_of({"explain", "a", "b"}, R"({"ok":true,"allowed":true})"), 0);
    EXPECT_EQ(exit_of({"explain", "a", "b"}, R"({"ok":true,"allowed":false})"), 1);
    EXPECT_EQ(exit_of({"check"}, R"({"ok":true,"checks":[{"ok":false,"required":false}]})"), 0);
    EXPECT_EQ(
        exit_of({"check"}, R"({"ok":true,"checks":[{"ok":true},{"ok":false,"required":true}]})"),
        1);
    EXPECT_EQ(exit_of({"edges"}, R"({"ok":true})"), 0);
    EXPECT_EQ(exit_of({"edges"}, R"({"ok":false,"error":"x"})"), 4);
}

TEST_F(Commands, AnErrorOfTheAgentIsShownWithItsAdvice) {
    const auto answer =
        R"({"ok":false,"error":"no function `x`\u001b[31m","advice":"see `dfctl status`","code":"not_found"})";
    request_of({"explain", "a", "x"}, answer);
    EXPECT_EQ(ended_.exit, 4);
    EXPECT_EQ(ended_.out, "");
    EXPECT_EQ(ended_.err, "dfctl: no function `x`\\x1b[31m\n  see `dfctl status`\n");
    request_of({"explain", "a", "x", "-o", "json"}, answer);
    const auto object = Json::parse(ended_.out);
    EXPECT_EQ(object["code"], "not_found");
    EXPECT_EQ(object["advice"], "see `dfctl status`");
}

TEST_F(Commands, JsonIsTheAnswerItself) {
    request_of({"edges", "-o", "json"},
               R"({"ok":true,"edges":[{"from":"a\u001b","n":12345678}],"new_field":1})");
    EXPECT_EQ(Json::parse(ended_.out),
              Json::parse(R"({"edges":[{"from":"a\u001b","n":12345678}],"new_field":1})"));
    EXPECT_THAT(ended_.out, Not(HasSubstr("\x1b")));
    EXPECT_THAT(ended_.err, IsEmpty());
}

TEST_F(Commands, ObserveShowsWhatTheAgentRemembers) {
    const std::string answer =
        R"({"ok":true,"events":[{"verdict":"drop","reason":"spoofed"},{"verdict":"pass"}]})";
    request_of({"observe"}, answer);
    EXPECT_EQ(ended_.exit, 0);
    EXPECT_EQ(std::ranges::count(ended_.out, '\n'), 2);
    request_of({"observe", "-o", "json"}, answer);
    EXPECT_EQ(ended_.out,
              "{\"verdict\":\"drop\",\"reason\":\"spoofed\"}\n{\"verdict\":\"pass\"}\n");
}

TEST_F(Commands, ObserveFollowsUntilItsLimit) {
    const auto ended = against({"observe", "-f", "--limit", "2"}, [](Peer& peer) {
        EXPECT_EQ(peer.request()["follow"], true);
        peer.send("{\"ok\":true}\n{\"reason\":\"r1\"}\n{\"rea");
        peer.send("son\":\"r2\"}\n{\"reason\":\"r3\"}\n");
        peer.wait_closed();  // the client is the one that ends it
    });
    EXPECT_EQ(ended.exit, 0);
    EXPECT_THAT(ended.out, HasSubstr("r2"));
    EXPECT_THAT(ended.out, Not(HasSubstr("r3")));
}

TEST_F(Commands, DetachSaysWhatIsLeftOpen) {
    request_of({"detach", "s/p"}, R"({"ok":true,"drained":false,"open_left":2})");
    EXPECT_EQ(ended_.out, "detached s/p; 2 connections still open\n");
    request_of({"detach", "--all"}, R"({"ok":true,"drained":true,"open_left":0})");
    EXPECT_THAT(ended_.out, HasSubstr("all connections had ended"));
    request_of({"detach", "--all"}, R"({"ok":true,"drained":false,"open_left":1})");
    EXPECT_THAT(ended_.out, HasSubstr("1 connection still open at the time limit"));
}

TEST_F(Commands, ValidateNeedsNoAgent) {
    std::vector<std::string> seen_paths;
    std::size_t seen_networks = 0;
    validate_ = [&](const auto& paths, const auto& settings) {
        seen_paths = paths;
        seen_networks = settings.pod_networks.size();
        return problems_;
    };
    EXPECT_EQ(run_words({"validate", "-f", "a", "-f", "b", "--pod-network", "fd00::/64"}).out,
              "valid\n");
    EXPECT_THAT(seen_paths, ElementsAre("a", "b"));
    EXPECT_EQ(seen_networks, 1U);
    problems_ = {{model::Problem::Severity::kWarning, {"a", 1}, "", "m", ""}};
    EXPECT_EQ(run_words({"validate", "-f", "a"}).exit, 0);
    problems_.push_back({model::Problem::Severity::kError, {"a", 2}, "o", "m2", "do"});
    EXPECT_EQ(run_words({"validate", "-f", "a"}).exit, 1);
    const auto object = Json::parse(run_words({"validate", "-f", "a", "-o", "json"}).out);
    EXPECT_EQ(object["valid"], false);
    EXPECT_EQ(
        object["problems"][1],
        Json::parse(
            R"({"severity":"error","file":"a","line":2,"object":"o","message":"m2","advice":"do"})"));
}

TEST_F(Commands, VersionNamesTheAgentIfThereIsOne) {
    EXPECT_EQ(run_words({"version"}).out, "dfctl " DF_VERSION "\n");
    request_of({"version"}, R"({"ok":true,"version":"9.9","instance":"node-1"})");
    EXPECT_EQ(ended_.out, "dfctl " DF_VERSION "\ndirectfaas-agent 9.9 (instance node-1)\n");
    EXPECT_EQ(ended_.exit, 0);
    EXPECT_EQ(Json::parse(run_words({"version", "-o", "json"}).out),
              Json({{"dfctl", DF_VERSION}, {"agent", nullptr}}));
}

TEST_F(Commands, AttachNamesTheInterface) {
    request_of({"attach", "s/p", "veth1"}, R"({"ok":true,"ifindex":12})");
    EXPECT_EQ(ended_.out, "attached s/p at veth1 (ifindex 12)\n");
}

}  // namespace
}  // namespace directfaas::cli
