// SPDX-License-Identifier: Apache-2.0
// The built dfctl as a process: pipes, colours, and the program it starts itself.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "test/unit/cli/fake_agent.h"

namespace directfaas::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Ended {
    int exit = -1;
    std::string out;
};

/// Runs a shell line with $dfctl set; standard error is part of the output.
Ended shell(const std::string& line) {
    const std::string command =
        "exec 2>&1; unset NO_COLOR DIRECTFAAS_SOCKET DIRECTFAAS_INSTANCE; dfctl='" DF_DFCTL "'; " +
        line;
    FILE* pipe = ::popen(command.c_str(), "r");
    Ended ended;
    std::array<char, 4096> chunk{};
    while (const auto got = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
        ended.out.append(chunk.data(), got);
    }
    const int status = ::pclose(pipe);
    ended.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ended;
}

TEST(Program, HelpGoesToStandardOutputAndMistakesToStandardError) {
    EXPECT_THAT(shell("$dfctl --help 2>/dev/null").out, HasSubstr("Exit status:"));
    const auto wrong = shell("$dfctl nonsense >/dev/null");
    EXPECT_EQ(wrong.exit, 2);
    EXPECT_THAT(wrong.out, HasSubstr("there is no command `nonsense`"));
}

TEST(Program, ClosedPipeIsQuiet) {
    const TemporaryDirectory run;
    std::string line = R"({"ok":true,"edges":[)";
    for (int i = 0; i < 20000; ++i) {
        line += (i == 0 ? "" : ",") + (R"({"from":"ns/caller-)" + std::to_string(i) + "\"}");
    }
    const FakeAgent agent(run.path() + "/a.sock", FakeAgent::answering(line + "]}"));
    const auto ended =
        shell("($dfctl edges --socket " + run.path() + "/a.sock; echo status $? >&2) | head -n 1");
    EXPECT_THAT(ended.out, HasSubstr("FROM"));
    EXPECT_THAT(ended.out, HasSubstr("status 0"));
    EXPECT_EQ(std::ranges::count(ended.out, '\n'), 2) << ended.out;
}

TEST(Program, ColourOnlyWhereWanted) {
    const TemporaryDirectory run;
    const FakeAgent agent(run.path() + "/a.sock",
                          FakeAgent::answering(R"({"ok":true,"ready":true,"instance":"a"})"));
    const auto status = "$dfctl status --socket " + run.path() + "/a.sock";
    EXPECT_THAT(shell(status).out, Not(HasSubstr("\x1b")));  // a pipe
    EXPECT_THAT(shell(status + " --color always").out, HasSubstr("\x1b[32mready"));
    EXPECT_THAT(shell("NO_COLOR=1 " + status + " --color always").out, HasSubstr("\x1b[32mready"));
}

TEST(Program, FindsTheAgentProgramBesideItself) {
    const TemporaryDirectory bin;
    std::filesystem::copy_file(DF_DFCTL, bin.path() + "/dfctl");
    const auto agent = bin.path() + "/directfaas-agent";
    std::ofstream(agent)
        << "#!/bin/sh\n"
           "[ \"$*\" = '--check -o json' ] || exit 9\n"
           "echo '{\"checks\":[{\"name\":\"beside\",\"ok\":true,\"required\":true}]}'\n";
    std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
    const auto check = " check --socket " + bin.path() + "/none.sock";
    const auto ended = shell(bin.path() + "/dfctl" + check);
    EXPECT_EQ(ended.exit, 0) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr("beside"));
    std::filesystem::create_directory(bin.path() + "/path");
    std::filesystem::rename(agent, bin.path() + "/path/directfaas-agent");
    EXPECT_EQ(shell("PATH=" + bin.path() + "/path:/bin " + bin.path() + "/dfctl" + check).exit, 0);
    EXPECT_EQ(shell("PATH=/nowhere " + bin.path() + "/dfctl" + check).exit, 3);
}

TEST(Program, ValidatesRealManifests) {
    const TemporaryDirectory directory;
    const auto file = directory.path() + "/chain.yaml";
    std::ofstream(file)
        << "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\n"
           "metadata: {name: c, namespace: shop}\n"
           "spec:\n  functions: [{name: a}, {name: b}]\n  edges: [{from: a, to: nobody}]\n";
    const auto ended = shell("$dfctl validate -f " + file);
    EXPECT_EQ(ended.exit, 1) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr("chain.yaml:6: error:"));
    EXPECT_THAT(ended.out, HasSubstr("nobody"));
}

}  // namespace
}  // namespace directfaas::cli
