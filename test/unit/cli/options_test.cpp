// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "cli/command_line.h"

namespace directfaas::cli {
namespace {

using testing::HasSubstr;

class OptionsTest : public testing::Test {
   protected:
    void SetUp() override {
        ::unsetenv("DIRECTFAAS_INSTANCE");
        ::unsetenv("DIRECTFAAS_SOCKET");
    }
    void TearDown() override { SetUp(); }
};

template <typename Command>
Command parsed(const std::vector<std::string>& arguments) {
    auto options = parse_options(arguments);
    EXPECT_TRUE(options.has_value()) << options.error().text;
    EXPECT_TRUE(std::holds_alternative<Command>(options->command));
    return std::get<Command>(options->command);
}

std::string refused(const std::vector<std::string>& arguments) {
    const auto options = parse_options(arguments);
    EXPECT_FALSE(options.has_value());
    EXPECT_EQ(options.error().exit, 2);
    return options.error().text;
}

TEST_F(OptionsTest, GlobalFlagsStandBeforeAndAfterTheCommand) {
    for (const auto& words :
         {std::vector<std::string>{"-o", "json", "--instance", "a", "--color", "never", "status"},
          {"status", "--output", "json", "--color=never", "--instance=a"}}) {
        const auto options = parse_options(words);
        ASSERT_TRUE(options.has_value()) << options.error().text;
        EXPECT_EQ(options->format, Format::kJson);
        EXPECT_EQ(options->color, ColorMode::kNever);
        EXPECT_EQ(options->instance, "a");
    }
}

TEST_F(OptionsTest, TheEnvironmentStandsInAndFlagsWin) {
    ::setenv("DIRECTFAAS_INSTANCE", "from-env", 1);
    ::setenv("DIRECTFAAS_SOCKET", "/env.sock", 1);
    EXPECT_EQ(parse_options({"status"})->instance, "from-env");
    EXPECT_EQ(parse_options({"status"})->socket, "/env.sock");
    EXPECT_EQ(parse_options({"status", "--instance", "b"})->instance, "b");
}

TEST_F(OptionsTest, Explain) {
    const auto plain = parsed<ExplainCommand>({"explain", "a", "shop/b"});
    EXPECT_EQ(plain.from, "a");
    EXPECT_EQ(plain.to, "shop/b");
    EXPECT_FALSE(plain.port.has_value());
    const auto with_port = parsed<ExplainCommand>({"explain", "a", "shop/b:9080"});
    EXPECT_EQ(with_port.to, "shop/b");
    EXPECT_EQ(with_port.port, 9080);
    for (const char* bad : {"b:", "b:0", "b:65536", "b:x", "b:80x", ":80"}) {
        EXPECT_THAT(refused({"explain", "a", bad}), HasSubstr("is not NAME:PORT")) << bad;
    }
    EXPECT_THAT(refused({"explain", "a"}), HasSubstr("TO is required"));
}

TEST_F(OptionsTest, Observe) {
    const auto all = parsed<ObserveCommand>({"observe"});
    EXPECT_FALSE(all.follow);
    EXPECT_FALSE(all.limit.has_value());
    const auto some =
        parsed<ObserveCommand>({"observe", "-f", "--verdict", "drop", "--reason", "no_edge",
                                "--from", "a", "--to", "b", "--limit", "3"});
    EXPECT_TRUE(some.follow);
    EXPECT_EQ(some.verdict, "drop");
    EXPECT_EQ(some.reason, "no_edge");
    EXPECT_EQ(some.from, "a");
    EXPECT_EQ(some.to, "b");
    EXPECT_EQ(some.limit, 3U);
    EXPECT_THAT(refused({"observe", "--limit", "0"}), HasSubstr("--limit"));
    EXPECT_THAT(refused({"observe", "--limit", "-1"}), HasSubstr("--limit"));
}

TEST_F(OptionsTest, Top) {
    const auto plain = parsed<TopCommand>({"top"});
    EXPECT_FALSE(plain.edges);
    EXPECT_FALSE(plain.count.has_value());
    EXPECT_EQ(plain.interval, std::chrono::seconds(1));
    const auto some = parsed<TopCommand>(
        {"top", "--edges", "-n", "3", "--interval", "500ms", "--end-with-input"});
    EXPECT_TRUE(some.edges);
    EXPECT_EQ(some.count, 3U);
    EXPECT_EQ(some.interval, std::chrono::milliseconds(500));
    EXPECT_TRUE(some.end_with_input);
    EXPECT_THAT(refused({"top", "-n", "0"}), HasSubstr("--count"));
    EXPECT_THAT(refused({"top", "--interval", "10ms"}), HasSubstr("`10ms` is no time"));
}

TEST_F(OptionsTest, Detach) {
    EXPECT_EQ(parsed<DetachCommand>({"detach", "shop/a"}).pod, "shop/a");
    const auto all = parsed<DetachCommand>({"detach", "--all", "--timeout", "2m"});
    EXPECT_EQ(all.pod, "");
    EXPECT_EQ(all.timeout, std::chrono::minutes(2));
    EXPECT_EQ(parsed<DetachCommand>({"detach", "--all"}).timeout, std::chrono::seconds(60));
    EXPECT_THAT(refused({"detach"}), HasSubstr("POD or --all"));
    EXPECT_THAT(refused({"detach", "a", "--all"}), HasSubstr("excludes"));
    EXPECT_THAT(refused({"detach", "a", "--timeout", "1s"}), HasSubstr("requires --all"));
    EXPECT_THAT(refused({"detach", "--all", "--timeout", "soon"}), HasSubstr("`soon` is no time"));
}

TEST_F(OptionsTest, Validate) {
    const auto command = parsed<ValidateCommand>(
        {"validate", "-f", "a", "b", "--file", "c", "--pod-network", "10.1.0.0/16"});
    EXPECT_THAT(command.paths, testing::ElementsAre("a", "b", "c"));
    ASSERT_EQ(command.pod_networks.size(), 1U);
    EXPECT_EQ(command.pod_networks[0].text(), "10.1.0.0/16");
    EXPECT_THAT(refused({"validate"}), HasSubstr("--file is required"));
    EXPECT_THAT(refused({"validate", "-f", "a", "--pod-network", "10.1"}),
                HasSubstr("`10.1` is no prefix"));
}

TEST_F(OptionsTest, OtherCommands) {
    EXPECT_TRUE(parsed<RulesCommand>({"rules", "--installed"}).installed);
    EXPECT_FALSE(parsed<RulesCommand>({"rules"}).installed);
    EXPECT_EQ(parsed<AttachCommand>({"attach", "shop/a", "veth0"}).interface, "veth0");
    EXPECT_EQ(parsed<CompletionCommand>({"completion", "fish"}).shell, Shell::kFish);
    parsed<StatusCommand>({"status"});
    parsed<CheckCommand>({"check"});
    parsed<EdgesCommand>({"edges"});
    parsed<FunctionsCommand>({"functions"});
    parsed<VersionCommand>({"version"});
}

TEST_F(OptionsTest, MistakesNameThemselvesAndTheWayOn) {
    EXPECT_THAT(refused({}), HasSubstr("a command is missing"));
    EXPECT_THAT(refused({"frobnicate", "x"}), HasSubstr("there is no command `frobnicate`"));
    EXPECT_THAT(refused({"status", "extra"}), HasSubstr("extra"));
    EXPECT_THAT(refused({"status", "extra"}), HasSubstr("`dfctl status --help`"));
    EXPECT_THAT(refused({"-o", "xml", "status"}), HasSubstr("xml"));
    EXPECT_THAT(refused({"--instance", "../x", "status"}), HasSubstr("--instance"));
    EXPECT_THAT(refused({"completion", "tcsh"}), HasSubstr("tcsh"));
    EXPECT_THAT(refused({"status", "x\x1b[31m"}), HasSubstr("x\\x1b[31m"));
}

TEST_F(OptionsTest, EveryCommandHasHelpWithExamplesOnShortLines) {
    for (const auto& command : describe_command_line().commands) {
        const auto help = parse_options({command.name, "--help"});
        ASSERT_FALSE(help.has_value());
        EXPECT_EQ(help.error().exit, 0);
        EXPECT_THAT(help.error().text, HasSubstr("Examples:\n  "));
        EXPECT_THAT(help.error().text, HasSubstr("dfctl " + command.name));
        for (std::size_t start = 0; start < help.error().text.size();) {
            const auto end = help.error().text.find('\n', start);
            EXPECT_LE(end - start, 100U) << command.name;
            start = end + 1;
        }
    }
}

TEST_F(OptionsTest, MainHelpNamesEveryCommandAndExitStatus) {
    const auto text = parse_options({"--help"}).error().text;
    for (const auto& command : describe_command_line().commands) {
        EXPECT_THAT(text, HasSubstr("\n  " + command.name + " "));
    }
    for (const char* status : {"\n  0  ", "\n  1  ", "\n  2  ", "\n  3  ", "\n  4  "}) {
        EXPECT_THAT(text, HasSubstr(status));
    }
    EXPECT_EQ(parse_options({"--version"}).error().text, "dfctl " DF_VERSION "\n");
    EXPECT_EQ(parse_options({"--version"}).error().exit, 0);
}

TEST(Duration, UnitsAndLimits) {
    using std::chrono::milliseconds;
    EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
    EXPECT_EQ(parse_duration("60s"), milliseconds(60000));
    EXPECT_EQ(parse_duration("60"), milliseconds(60000));
    EXPECT_EQ(parse_duration("0s"), milliseconds(0));
    EXPECT_EQ(parse_duration("1440m"), milliseconds(86400000));
    for (const char* bad :
         {"", "s", "-1s", "1h", "1.5s", "1441m", "99999999999999999999s", "1 s"}) {
        EXPECT_FALSE(parse_duration(bad).has_value()) << bad;
    }
}

}  // namespace
}  // namespace directfaas::cli
