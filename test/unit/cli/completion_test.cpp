// SPDX-License-Identifier: Apache-2.0
// The completion scripts: complete, and bash's also by running it.
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "cli/command_line.h"
#include "cli/options.h"
#include "test/unit/cli/fake_agent.h"

namespace directfaas::cli {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

/// What bash would offer for the last of `words`.
std::vector<std::string> offered(const std::vector<std::string>& words) {
    const TemporaryDirectory directory;
    const auto file = directory.path() + "/dfctl.bash";
    std::ofstream(file) << completion_script(Shell::kBash);
    std::string command = "bash -c 'source " + file + "; COMP_WORDS=(";
    for (const auto& word : words) {
        command += "\"" + word + "\" ";
    }
    command +=
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _dfctl; printf \"%s\\n\" \"${COMPREPLY[@]}\"'";
    FILE* pipe = ::popen(command.c_str(), "r");
    std::array<char, 256> line{};
    std::vector<std::string> lines;
    while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
        std::string text(line.data());
        text.pop_back();
        if (!text.empty()) {
            lines.push_back(text);
        }
    }
    EXPECT_EQ(::pclose(pipe), 0) << command;
    return lines;
}

TEST(Completion, BashOffersCommandsFlagsAndValues) {
    EXPECT_THAT(offered({"dfctl", "ex"}), UnorderedElementsAre("explain"));
    EXPECT_THAT(offered({"dfctl", "--in"}), UnorderedElementsAre("--instance"));
    EXPECT_THAT(offered({"dfctl", "observe", "--ver"}),
                UnorderedElementsAre("--verdict", "--version"));
    EXPECT_THAT(offered({"dfctl", "status", "-o", ""}), UnorderedElementsAre("table", "json"));
    EXPECT_THAT(offered({"dfctl", "completion", ""}), Contains("fish"));
    EXPECT_THAT(offered({"dfctl", "observe", "--limit", ""}), IsEmpty());
    EXPECT_THAT(offered({"dfctl", "validate", "-f", "/etc/pass"}), Contains("/etc/passwd"));
    EXPECT_THAT(offered({"dfctl", "status", "--verd"}), IsEmpty());
    EXPECT_THAT(offered({"dfctl", "import", "/etc/pass"}), Contains("/etc/passwd"));
    EXPECT_THAT(offered({"dfctl", "import", "-o", "js"}), UnorderedElementsAre("json"));
    EXPECT_THAT(offered({"dfctl", "import", "--edges"}),
                UnorderedElementsAre("--edges-from-environment"));
}

TEST(Completion, EveryScriptKnowsEveryCommandAndFlag) {
    const auto line = describe_command_line();
    ASSERT_EQ(line.commands.size(), std::variant_size_v<Command>);
    for (const Shell shell : {Shell::kBash, Shell::kZsh, Shell::kFish}) {
        const auto script = completion_script(shell);
        for (const auto& command : line.commands) {
            EXPECT_THAT(script, HasSubstr(command.name));
            for (const auto& flag : command.flags) {
                const auto name = flag.names.back();
                EXPECT_THAT(script,
                            HasSubstr(shell == Shell::kFish ? "-l " + name.substr(2) : name));
            }
        }
    }
}

TEST(Completion, FlagsAreDescribed) {
    const auto line = describe_command_line();
    ASSERT_FALSE(line.global.empty());
    const auto output = std::ranges::find_if(
        line.global, [](const auto& flag) { return flag.names.back() == "--output"; });
    ASSERT_NE(output, line.global.end());
    EXPECT_THAT(output->names, testing::ElementsAre("-o", "--output"));
    EXPECT_THAT(output->choices, testing::ElementsAre("table", "json"));
    EXPECT_TRUE(output->takes_value);
    for (const auto& command : line.commands) {
        for (const auto& flag : command.flags) {
            EXPECT_THAT(flag.help, Not(IsEmpty())) << command.name;
        }
    }
}

}  // namespace
}  // namespace directfaas::cli
