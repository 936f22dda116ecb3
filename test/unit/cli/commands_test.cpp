// SPDX-License-Identifier: Apache-2.0
// Whole commands against an agent of the test's own: requests, exit statuses, and every way an
// agent can fail to answer.
#include "cli/commands.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <array>
#include <csignal>

#include "cli/exit_code.h"
#include "test/unit/cli/fake_agent.h"

namespace directfaas::cli {
namespace {

using Json = nlohmann::json;  // unordered, unlike dfctl's own: fields are compared as a set
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A pipe whose content can be read at any time without blocking; large enough for the tests.
class Captured {
   public:
    Captured() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        reader_.reset(ends[0]);
        writer_.reset(ends[1]);
        EXPECT_GE(::fcntl(writer_.get(), F_SETPIPE_SZ, 1 << 20), 0);
        ::fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
    }
    [[nodiscard]] int fd() const { return writer_.get(); }
    void close_reader() { reader_.reset(); }
    [[nodiscard]] std::string text() const {
        std::string all;
        std::array<char, 4096> chunk{};
        for (ssize_t got = 0; (got = ::read(reader_.get(), chunk.data(), chunk.size())) > 0;) {
            all.append(chunk.data(), static_cast<std::size_t>(got));
        }
        return all;
    }

   private:
    util::UniqueFd reader_;
    util::UniqueFd writer_;
};

struct Ended {
    int exit = -1;
    std::string out;
    std::string err;
};

class Commands : public testing::Test {
   protected:
    void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

    Ended run_words(const std::vector<std::string>& words) {
        auto options = parse_options(words);
        if (!options) {
            return {options.error().exit, "", options.error().text};
        }
        Output out(out_.fd());
        Output err(err_.fd());
        World world{out, err, run_.path(), {}, {}, program_, validate_, patience_};
        const int exit = run(*options, world);
        return {exit, out_.text(), err_.text()};
    }

    [[nodiscard]] std::string socket() const { return run_.path() + "/node-1.sock"; }

    /// Runs `words` while an agent gives `answer`, and returns the request the agent saw.
    Json request_of(const std::vector<std::string>& words,
                    const std::string& answer = R"({"ok":true})") {
        Json seen;
        {
            const FakeAgent agent(socket(), [&](Peer& peer) {
                seen = peer.request();
                peer.send(answer + "\n");
            });
            ended_ = run_words(words);
        }
        ::unlink(socket().c_str());
        return seen;
    }

    /// Runs `words` while an agent follows `script`.
    Ended against(const std::vector<std::string>& words, const std::function<void(Peer&)>& script) {
        Ended ended;
        {
            const FakeAgent agent(socket(), script);
            ended = run_words(words);
        }
        ::unlink(socket().c_str());
        return ended;
    }

    TemporaryDirectory run_;
    Captured out_;
    Captured err_;
    std::chrono::milliseconds patience_{20000};
    std::vector<std::vector<std::string>> started_;
    util::Result<ProgramEnd> program_end_ = ProgramEnd{};
    RunProgram program_ = [this](const std::vector<std::string>& words) {
        started_.push_back(words);
        return program_end_;
    };
    std::vector<model::Problem> problems_;
    std::function<std::vector<model::Problem>(const std::vector<std::string>&,
                                              const model::NodeSettings&)>
        validate_ = [this](const auto&, const auto&) { return problems_; };
    Ended ended_;
};

TEST_F(Commands, RequestsAreThoseOfTheProtocol) {
    EXPECT_EQ(request_of({"status"}), Json::parse(R"({"command":"status"})"));
    EXPECT_EQ(request_of({"check"}), Json::parse(R"({"command":"check"})"));
    EXPECT_EQ(request_of({"rules"}), Json::parse(R"({"command":"rules","installed":false})"));
    EXPECT_EQ(request_of({"rules", "--installed"}),
              Json::parse(R"({"command":"rules","installed":true})"));
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

TEST_F(Commands, NoAgent) {
    const auto none = run_words({"status"});
    EXPECT_EQ(none.exit, 3);
    EXPECT_THAT(none.err, HasSubstr("no agent runs here"));
    EXPECT_THAT(none.err, HasSubstr(run_.path()));
    leave_dead_socket(socket());
    const auto dead = run_words({"observe", "-f"});
    EXPECT_EQ(dead.exit, 3);
    EXPECT_THAT(dead.err, HasSubstr("no agent listens on " + socket()));
    EXPECT_EQ(run_words({"edges", "--instance", "other"}).exit, 3);
    EXPECT_EQ(run_words({"edges", "--socket", std::string(200, 'x')}).exit, 3);
}

TEST_F(Commands, SeveralAgentsAreAUsageError) {
    leave_dead_socket(run_.path() + "/a.sock");
    leave_dead_socket(run_.path() + "/b.sock");
    EXPECT_EQ(run_words({"status"}).exit, 2);
    EXPECT_EQ(run_words({"check"}).exit, 2);
    EXPECT_EQ(run_words({"detach", "--all"}).exit, 2);
    EXPECT_THAT(started_, IsEmpty());
}

TEST_F(Commands, AnAgentThatClosesWithoutAWord) {
    const auto ended = against({"status"}, [](Peer& peer) { peer.request(); });
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.err, HasSubstr("closed the connection before it answered"));
}

TEST_F(Commands, AnAgentThatTurnsAwayBeforeItReads) {
    const auto ended = against({"status"}, [](Peer& peer) {
        peer.send(R"({"ok":false,"error":"uid 1000 may not ask","code":"denied"})"
                  "\n");
    });
    EXPECT_EQ(ended.exit, 4);
    EXPECT_THAT(ended.err, HasSubstr("uid 1000 may not ask"));
}

TEST_F(Commands, ATruncatedAnswer) {
    const auto ended = against({"status"}, [](Peer& peer) {
        peer.request();
        peer.send(R"({"ok":true,"rea)");
    });
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.err, HasSubstr("closed the connection before it answered"));
}

TEST_F(Commands, AnAnswerThatIsNoAnswer) {
    for (const char* line : {"HTTP/1.1 400 Bad Request\x1b[2J", "[]", "42", "", "{\"a\":\xff}"}) {
        const auto ended = against({"status"}, FakeAgent::answering(line));
        EXPECT_EQ(ended.exit, 4) << line;
        EXPECT_THAT(ended.err, HasSubstr("not one of directfaas-agent"));
        EXPECT_THAT(ended.err, Not(HasSubstr("\x1b")));
    }
}

TEST_F(Commands, AnAgentThatNeverAnswers) {
    patience_ = std::chrono::milliseconds(50);
    const auto ended = against({"status"}, [](Peer& peer) { peer.wait_closed(); });
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.err, HasSubstr("did not answer within 50.0 ms"));
}

TEST_F(Commands, AHugeAnswerArrivesWhole) {
    constexpr int kEdges = 20000;
    std::string line = R"({"ok":true,"edges":[)";
    for (int i = 0; i < kEdges; ++i) {
        line += (i == 0 ? "" : ",") + (R"({"from":"ns/caller-)" + std::to_string(i) +
                                       R"(","to":"ns/callee","opened":1})");
    }
    line += "]}";
    ASSERT_GT(line.size(), 1U << 20U);
    std::string text;
    const FakeAgent agent(socket(), FakeAgent::answering(line));
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    util::UniqueFd writer(ends[1]);
    std::thread reader([&text, fd = util::UniqueFd(ends[0])] {
        std::array<char, 65536> chunk{};
        for (ssize_t got = 0; (got = ::read(fd.get(), chunk.data(), chunk.size())) > 0;) {
            text.append(chunk.data(), static_cast<std::size_t>(got));
        }
    });
    Output out(writer.get());
    Output err(err_.fd());
    World world{out, err, run_.path(), {}, {}, program_, validate_, patience_};
    EXPECT_EQ(run(*parse_options({"edges"}), world), 0);
    writer.reset();
    reader.join();
    EXPECT_THAT(text, HasSubstr("ns/caller-19999"));
    EXPECT_EQ(std::ranges::count(text, '\n'), kEdges + 1 + 2);  // header, "No call was denied."
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

TEST_F(Commands, AnAgentThatDiesWhileItIsObserved) {
    for (const char* last_words : {"", "{\"reason\":\"half"}) {
        const auto ended = against({"observe", "-f"}, [last_words](Peer& peer) {
            peer.request();
            peer.send("{\"ok\":true}\n{\"reason\":\"seen\"}\n");
            peer.send(last_words);
        });
        EXPECT_EQ(ended.exit, 3);
        EXPECT_THAT(ended.out, HasSubstr("seen"));
        EXPECT_THAT(ended.err, HasSubstr("closed the connection"));
    }
}

TEST_F(Commands, ObserveRefused) {
    const auto ended = against({"observe", "-f"},
                               FakeAgent::answering(R"({"ok":false,"error":"no such reason"})"));
    EXPECT_EQ(ended.exit, 4);
    EXPECT_THAT(ended.err, HasSubstr("no such reason"));
}

TEST_F(Commands, AReaderThatWentAwayEndsTheOutputQuietly) {
    out_.close_reader();
    request_of({"explain", "a", "b"}, R"({"ok":true,"allowed":false})");
    EXPECT_EQ(ended_.exit, 1);
    EXPECT_THAT(ended_.err, IsEmpty());
    // Nothing ever comes, yet a lost reader is noticed.
    const auto ended = against({"observe", "-f"}, [](Peer& peer) {
        peer.request();
        peer.send("{\"ok\":true}\n");
        peer.wait_closed();
    });
    EXPECT_EQ(ended.exit, 0);
    EXPECT_THAT(ended.err, IsEmpty());
}

TEST_F(Commands, AFullDiskIsNoSuccess) {
    const util::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const FakeAgent agent(socket(), FakeAgent::answering(R"({"ok":true,"ready":true})"));
    Output out(full.get());
    Output err(err_.fd());
    World world{out, err, run_.path(), {}, {}, program_, validate_, patience_};
    EXPECT_EQ(run(*parse_options({"status"}), world), 4);
    EXPECT_THAT(err_.text(), HasSubstr("No space left"));
}

TEST_F(Commands, CheckWithoutAnAgentRunsItsProgram) {
    program_end_ = ProgramEnd{
        1,
        R"({"checks":[{"name":"bpffs","ok":false,"required":true,"detail":"d","advice":"mount it"}]})"};
    const auto ended = run_words({"check"});
    EXPECT_EQ(ended.exit, 1);
    EXPECT_THAT(ended.out, HasSubstr("mount it"));
    EXPECT_THAT(started_, ElementsAre(ElementsAre("directfaas-agent", "--check", "-o", "json")));
    program_end_ = ProgramEnd{127, "oops"};
    EXPECT_EQ(run_words({"check"}).exit, 4);
    program_end_ = std::unexpected(util::Error{ENOENT, "start directfaas-agent"});
    const auto missing = run_words({"check"});
    EXPECT_EQ(missing.exit, 3);
    EXPECT_THAT(missing.err, HasSubstr("No such file"));
}

TEST_F(Commands, DetachAllWithoutAnAgentRunsItsProgram) {
    program_end_ = ProgramEnd{0, "removed\n"};
    EXPECT_EQ(run_words({"detach", "--all"}).out, "removed\n");
    leave_dead_socket(socket());
    EXPECT_EQ(run_words({"detach", "--all"}).exit, 0);
    EXPECT_EQ(run_words({"detach", "--all", "--instance", "b"}).exit, 0);
    EXPECT_EQ(run_words({"detach", "--all", "--socket", "/nowhere.sock"}).exit, 2);
    EXPECT_THAT(started_,
                ElementsAre(ElementsAre("directfaas-agent", "--remove"),
                            ElementsAre("directfaas-agent", "--remove", "--instance", "node-1"),
                            ElementsAre("directfaas-agent", "--remove", "--instance", "b")));
    program_end_ = ProgramEnd{1, ""};
    EXPECT_EQ(run_words({"detach", "--all"}).exit, 4);
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
