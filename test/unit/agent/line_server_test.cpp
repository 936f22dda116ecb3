// SPDX-License-Identifier: Apache-2.0
// The socket's own rules: lines, limits, slow and rude clients, and who may listen.
#include "agent/control/line_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/control/socket_file.h"
#include "test/unit/agent/line_client.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas::control {
namespace {

using namespace agent_test;
using testing::ElementsAre;
using testing::HasSubstr;
using Id = LineServer::ClientId;

class LineServerTest : public testing::Test {
   protected:
    void serve(const LineLimits& limits = {}) {
        file_.emplace(std::move(*SocketFile::listen_at(path_)));
        server_ = std::move(*LineServer::create(
            *loop_, file_->fd(), limits,
            {.request =
                 [this](Id id, std::string_view line) {
                     requests_.emplace_back(line);
                     asked_ = id;
                     if (echo_) {
                         server_->answer(id, "echo " + std::string(line));
                     }
                 },
             .closed = [this](Id id) { closed_.push_back(id); },
             .refusal = [](const char* code,
                           const std::string& why) { return code + (": " + why); }}));
    }

    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    TempDir dir_;
    std::string path_ = dir_.file("run/agent.sock");
    std::optional<SocketFile> file_;
    std::unique_ptr<LineServer> server_;
    std::vector<std::string> requests_;
    std::vector<Id> closed_;
    Id asked_ = 0;
    bool echo_ = true;
};

TEST_F(LineServerTest, AnswersLineByLine) {
    serve();
    LineClient client(*loop_, path_);
    client.send("one\ntw");
    EXPECT_EQ(client.line(), "echo one");
    EXPECT_FALSE(client.has_line());
    client.send("o\nthree\n");
    EXPECT_EQ(client.line(), "echo two");
    EXPECT_EQ(client.line(), "echo three");
}

TEST_F(LineServerTest, TheNextRequestWaitsForTheAnswer) {
    serve();
    echo_ = false;
    LineClient client(*loop_, path_);
    client.send("one\ntwo\n");
    pump_until(*loop_, [this] { return !requests_.empty(); });
    EXPECT_FALSE(client.has_line());
    EXPECT_THAT(requests_, ElementsAre("one"));
    server_->answer(asked_, "first");
    EXPECT_EQ(client.line(), "first");
    ASSERT_TRUE(pump_until(*loop_, [this] { return requests_.size() == 2; }));
}

TEST_F(LineServerTest, ALongAnswerGoesOutAsItIsRead) {
    serve();
    echo_ = false;
    LineClient client(*loop_, path_);
    client.send("rules\n");
    ASSERT_TRUE(pump_until(*loop_, [this] { return !requests_.empty(); }));
    server_->answer(asked_, std::string(8 << 20, 'x'));
    const auto line = client.line();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->size(), 8U << 20);
}

TEST_F(LineServerTest, ARequestThatIsTooLongIsRefused) {
    LineLimits limits;
    limits.line_bytes = 1000;
    serve(limits);
    LineClient fits(*loop_, path_);
    fits.send(std::string(1000, 'x') + "\n");
    EXPECT_THAT(fits.line().value_or(""), HasSubstr("echo x"));
    LineClient unended(*loop_, path_);
    unended.send(std::string(2000, 'x'));
    EXPECT_THAT(unended.line().value_or(""), HasSubstr("at most 1000 bytes"));
    EXPECT_TRUE(unended.is_closed());
    LineClient ended(*loop_, path_);
    ended.send(std::string(1001, 'x') + "\n");
    EXPECT_THAT(ended.line().value_or(""), HasSubstr("at most 1000 bytes"));
    EXPECT_TRUE(ended.is_closed());
    EXPECT_EQ(requests_.size(), 1U);
}

TEST_F(LineServerTest, AClientThatStopsWritingStillGetsItsAnswer) {
    serve();
    LineClient client(*loop_, path_);
    client.send("one\n");
    client.end_requests();
    EXPECT_EQ(client.line(), "echo one");
    EXPECT_TRUE(client.is_closed());
}

TEST_F(LineServerTest, AClientThatLeavesIsForgotten) {
    serve();
    echo_ = false;
    {
        LineClient client(*loop_, path_);
        client.send("one\n");
        ASSERT_TRUE(pump_until(*loop_, [this] { return !requests_.empty(); }));
    }
    ASSERT_TRUE(pump_until(*loop_, [this] { return !closed_.empty(); }));
    EXPECT_THAT(closed_, ElementsAre(asked_));
    EXPECT_EQ(server_->client_count(), 0U);
    server_->answer(asked_, "to nobody");
}

TEST_F(LineServerTest, OneClientTooManyIsTurnedAway) {
    LineLimits limits;
    limits.clients = 2;
    serve(limits);
    LineClient one(*loop_, path_);
    LineClient two(*loop_, path_);
    EXPECT_TRUE(pump_until(*loop_, [this] { return server_->client_count() == 2; }));
    LineClient three(*loop_, path_);
    EXPECT_THAT(three.line().value_or(""), HasSubstr("failed: 2 clients"));
    EXPECT_TRUE(three.is_closed());
    one.close();
    EXPECT_TRUE(pump_until(*loop_, [this] { return server_->client_count() == 1; }));
    LineClient four(*loop_, path_);
    four.send("four\n");
    EXPECT_EQ(four.line(), "echo four");
}

TEST_F(LineServerTest, AStreamIsSentUntilItsReaderLeaves) {
    serve();
    auto client = std::make_unique<LineClient>(*loop_, path_);
    client->send("follow\n");
    EXPECT_EQ(client->line(), "echo follow");
    server_->begin_stream(asked_);
    server_->stream(asked_, "a");
    server_->stream(asked_, "b");
    EXPECT_EQ(client->line(), "a");
    EXPECT_EQ(client->line(), "b");
    client->send("ignored\n");
    pump(*loop_);
    EXPECT_EQ(requests_.size(), 1U);
    client.reset();
    ASSERT_TRUE(pump_until(*loop_, [this] { return !closed_.empty(); }));
}

TEST_F(LineServerTest, ASlowReaderIsDroppedAndToldWhy) {
    LineLimits limits;
    limits.stream_bytes = 100000;
    serve(limits);
    LineClient slow(*loop_, path_);
    LineClient quick(*loop_, path_);
    slow.send("follow\n");
    slow.line();
    const auto slow_id = asked_;
    server_->begin_stream(slow_id);
    quick.send("follow\n");
    quick.line();
    server_->begin_stream(asked_);
    const std::string event(1000, 'e');
    int sent = 0;
    while (closed_.empty() && sent < 5000) {
        server_->stream(slow_id, event);
        server_->stream(asked_, event);
        EXPECT_EQ(quick.line(), event);
        ++sent;
    }
    ASSERT_THAT(closed_, ElementsAre(slow_id));
    std::string last;
    while (const auto line = slow.line()) {
        last = *line;
    }
    EXPECT_THAT(last, HasSubstr("too slow"));
    server_->stream(asked_, "still here");
    EXPECT_EQ(quick.line(), "still here");
}

TEST_F(LineServerTest, AnIdleClientIsClosed) {
    LineLimits limits;
    limits.idle = std::chrono::milliseconds(1);
    serve(limits);
    LineClient client(*loop_, path_);
    EXPECT_TRUE(client.is_closed());
}

TEST(SocketFileTest, OnlyTheOwnerMayConnect) {
    const TempDir dir;
    const auto path = dir.file("deep/run/agent.sock");
    {
        const auto file = SocketFile::listen_at(path);
        ASSERT_TRUE(file) << file.error().text();
        struct stat found{};
        ASSERT_EQ(stat(path.c_str(), &found), 0);
        EXPECT_TRUE(S_ISSOCK(found.st_mode));
        EXPECT_EQ(found.st_mode & 07777, 0600U);
    }
    EXPECT_FALSE(std::filesystem::exists(path)) << "left behind";
}

TEST(SocketFileTest, ALivingAgentIsNamed) {
    const TempDir dir;
    const auto path = dir.file("agent.sock");
    const auto first = SocketFile::listen_at(path);
    ASSERT_TRUE(first);
    const auto second = SocketFile::listen_at(path);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().text(), HasSubstr("pid " + std::to_string(getpid())));
    const auto loop = std::move(*util::EventLoop::create());
    EXPECT_TRUE(LineClient(*loop, path).connected()) << "the second one broke the first one's";
}

TEST(SocketFileTest, ASocketOfADeadAgentIsReplaced) {
    const TempDir dir;
    const auto path = dir.file("agent.sock");
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto file = SocketFile::listen_at(path);
        _exit(file ? 0 : 1);  // as if killed: nothing is cleaned up
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    ASSERT_TRUE(std::filesystem::exists(path));
    const auto file = SocketFile::listen_at(path);
    ASSERT_TRUE(file) << file.error().text();
    const auto loop = std::move(*util::EventLoop::create());
    EXPECT_TRUE(LineClient(*loop, path).connected());
}

TEST(SocketFileTest, SomethingElseIsLeftAlone) {
    const TempDir dir;
    const auto path = dir.write("agent.sock", "precious");
    const auto file = SocketFile::listen_at(path);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().text(), HasSubstr("is no socket"));
    EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace directfaas::control
