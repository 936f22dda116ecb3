// SPDX-License-Identifier: Apache-2.0
// Every way an agent can fail to answer, and every way the output can end.
#include <gmock/gmock.h>

#include <thread>

#include "test/unit/cli/command_fixture.h"

namespace directfaas::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using AgentFailures = CommandTest;

TEST_F(AgentFailures, NoAgent) {
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

TEST_F(AgentFailures, SeveralAgentsAreAUsageError) {
    leave_dead_socket(run_.path() + "/a.sock");
    leave_dead_socket(run_.path() + "/b.sock");
    EXPECT_EQ(run_words({"status"}).exit, 2);
    EXPECT_EQ(run_words({"check"}).exit, 2);
    EXPECT_EQ(run_words({"detach", "--all"}).exit, 2);
    EXPECT_THAT(started_, IsEmpty());
}

TEST_F(AgentFailures, AnAgentThatClosesWithoutAWord) {
    const auto ended = against({"status"}, [](Peer& peer) { peer.request(); });
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.err, HasSubstr("closed the connection before it answered"));
}

TEST_F(AgentFailures, AnAgentThatTurnsAwayBeforeItReads) {
    const auto ended = against({"status"}, [](Peer& peer) {
        peer.send(R"({"ok":false,"error":"uid 1000 may not ask","code":"denied"})"
                  "\n");
    });
    EXPECT_EQ(ended.exit, 4);
    EXPECT_THAT(ended.err, HasSubstr("uid 1000 may not ask"));
}

TEST_F(AgentFailures, ATruncatedAnswer) {
    const auto ended = against({"status"}, [](Peer& peer) {
        peer.request();
        peer.send(R"({"ok":true,"rea)");
    });
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.err, HasSubstr("closed the connection before it answered"));
}

TEST_F(AgentFailures, AnAnswerThatIsNoAnswer) {
    for (const char* line : {"HTTP/1.1 400 Bad Request\x1b[2J", "[]", "42", "", "{\"a\":\xff}"}) {
        const auto ended = against({"status"}, FakeAgent::answering(line));
        EXPECT_EQ(ended.exit, 4) << line;
        EXPECT_THAT(ended.err, HasSubstr("not one of directfaas-agent"));
        EXPECT_THAT(ended.err, Not(HasSubstr("\x1b")));
    }
}

TEST_F(AgentFailures, AnAgentThatNeverAnswers) {
    patience_ = std::chrono::milliseconds(50);
    const auto ended = against({"status"}, [](Peer& peer) { peer.wait_closed(); });
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.err, HasSubstr("did not answer within 50.0 ms"));
}

TEST_F(AgentFailures, AHugeAnswerArrivesWhole) {
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

TEST_F(AgentFailures, AnAgentThatDiesWhileItIsObserved) {
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

TEST_F(AgentFailures, ObserveRefused) {
    const auto ended = against({"observe", "-f"},
                               FakeAgent::answering(R"({"ok":false,"error":"no such reason"})"));
    EXPECT_EQ(ended.exit, 4);
    EXPECT_THAT(ended.err, HasSubstr("no such reason"));
}

TEST_F(AgentFailures, AReaderThatWentAwayEndsTheOutputQuietly) {
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

TEST_F(AgentFailures, AFullDiskIsNoSuccess) {
    const util::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const FakeAgent agent(socket(), FakeAgent::answering(R"({"ok":true,"ready":true})"));
    Output out(full.get());
    Output err(err_.fd());
    World world{out, err, run_.path(), {}, {}, program_, validate_, patience_};
    EXPECT_EQ(run(*parse_options({"status"}), world), 4);
    EXPECT_THAT(err_.text(), HasSubstr("No space left"));
}

TEST_F(AgentFailures, CheckWithoutAnAgentRunsItsProgram) {
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

TEST_F(AgentFailures, DetachAllWithoutAnAgentRunsItsProgram) {
    program_end_ = ProgramEnd{0, "removed\n"};
    EXPECT_EQ(run_words({"detach", "--all", "--instance", "b"}).out, "removed\n");
    leave_dead_socket(socket());
    EXPECT_EQ(run_words({"detach", "--all"}).exit, 0);
    EXPECT_THAT(started_,
                ElementsAre(ElementsAre("directfaas-agent", "--remove", "--instance", "b"),
                            ElementsAre("directfaas-agent", "--remove", "--instance", "node-1")));
    program_end_ = ProgramEnd{1, ""};
    EXPECT_EQ(run_words({"detach", "--all"}).exit, 4);
}

TEST_F(AgentFailures, DetachAllRemovesNoInstanceThatWasNotNamed) {
    const auto ended = run_words({"detach", "--all"});
    EXPECT_EQ(ended.exit, 2);
    EXPECT_THAT(ended.err, HasSubstr("--instance NAME"));
    EXPECT_EQ(run_words({"detach", "--all", "--socket", "/nowhere.sock"}).exit, 2);
    EXPECT_THAT(started_, IsEmpty());
}

}  // namespace
}  // namespace directfaas::cli
