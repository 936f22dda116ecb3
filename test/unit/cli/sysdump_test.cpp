// SPDX-License-Identifier: Apache-2.0
// The archive as tar reads it, what is left out, and a whole dump of a fake agent's host.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "cli/sysdump/collect.h"
#include "test/unit/cli/command_fixture.h"

namespace directfaas::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using Sysdump = CommandTest;

std::string shell(const std::string& command) {
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::string text;
    std::array<char, 4096> chunk{};
    while (const auto got = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
        text.append(chunk.data(), got);
    }
    EXPECT_EQ(::pclose(pipe), 0) << command << "\n" << text;
    return text;
}

TEST(Archive, IsWhatTarReads) {
    const TemporaryDirectory directory;
    const auto path = directory.path() + "/a.tar.gz";
    const std::string deep = "nodes/" + std::string(200, 'n') + "/x.txt";
    const std::string block(1024, 'b');
    const auto written =
        write_archive(path, "top", {{"one.txt", "", "1\n"}, {"empty", "", ""}, {deep, "", block}});
    ASSERT_TRUE(written) << written.error().text();
    EXPECT_EQ(shell("tar tzf " + path), "top/one.txt\ntop/empty\ntop/" + deep + "\n");
    EXPECT_EQ(shell("tar xzOf " + path + " top/one.txt"), "1\n");
    EXPECT_EQ(shell("tar xzOf " + path + " top/" + deep), block);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_FALSE(write_archive(path, "top", {})) << "nothing is written over";
    EXPECT_FALSE(write_archive(directory.path() + "/no/a.tar.gz", "top", {}));
}

TEST(Secrets, AreLeftOutAndTheRestIsNot) {
    EXPECT_EQ(without_secrets("log-level = \"info\"\nbearer-token = \"abc\"\n"),
              "log-level = \"info\"\nbearer-token = [left out]\n");
    EXPECT_EQ(without_secrets("{\"Password\": \"x y\"}"), "{\"Password\": [left out]");
    EXPECT_EQ(without_secrets("--api-key=abc"), "--api-key=[left out]");
    EXPECT_EQ(without_secrets("server http://me:pw@10.0.0.1:80/x"),
              "server http://[left out]@10.0.0.1:80/x");
    EXPECT_EQ(without_secrets("the token is read again\nhttp://a/b@c\n"),
              "the token is read again\nhttp://a/b@c\n");
    const std::string line(1 << 20, 'a');
    EXPECT_EQ(without_secrets(line), line);
}

TEST_F(Sysdump, HoldsEveryAnswerAndSaysSo) {
    const auto file = run_.path() + "/dump.tar.gz";
    const auto answer = [](Peer& peer) {
        const auto request = peer.request();
        const std::string command = request["command"];
        if (command == "check") {
            peer.send("{\"ok\":false,\"error\":\"no probe\",\"advice\":\"look\"}\n");
        } else {
            peer.send("{\"ok\":true,\"instance\":\"node-1\",\"ready\":true,\"pid\":" +
                      std::to_string(::getpid()) + "}\n");
        }
    };
    const FakeAgent agent(socket(), answer);
    const auto ended = run_words({"sysdump", "--file", file});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    const auto list = shell("tar tzf " + file);
    for (const char* name :
         {"/README.txt", "/agent/status.json", "/agent/status.txt", "/agent/check.failed.txt",
          "/agent/functions.json", "/agent/edges.txt", "/agent/rules.json",
          "/agent/rules-installed.json", "/agent/events.json", "/agent/metrics.txt",
          "/config/command-line.txt", "/config/agent.toml", "/host/kernel.txt", "/host/pins.txt",
          "/host/interfaces.txt", "/agent/process.txt"}) {
        EXPECT_THAT(list, HasSubstr(name));
        EXPECT_THAT(name + ended.out, HasSubstr(std::string(name).substr(1)));
    }
    const auto all = shell("tar xzOf " + file);
    EXPECT_THAT(all, HasSubstr("no probe\nlook\n"));
    EXPECT_THAT(all, HasSubstr("cli_test")) << "the command line";
    EXPECT_THAT(all, HasSubstr("the agent serves no metrics"));
    const auto again = run_words({"sysdump", "--file", file});
    EXPECT_EQ(again.exit, 4);
    EXPECT_THAT(again.err, HasSubstr("File exists"));
}

TEST_F(Sysdump, WithoutAnAgentTellsTheHost) {
    const auto ended = run_words({"sysdump", "-o", "json"});
    EXPECT_EQ(ended.exit, 0);
    const auto dump = Json::parse(ended.out);
    std::vector<std::string> paths;
    for (const auto& file : dump["files"]) {
        paths.push_back(file["path"]);
    }
    EXPECT_THAT(paths, testing::Contains("host/kernel.txt"));
    EXPECT_THAT(paths, testing::Contains("agent/status.failed.txt"));
    EXPECT_THAT(paths, Not(testing::Contains("agent/process.txt")));
}

}  // namespace
}  // namespace directfaas::cli
