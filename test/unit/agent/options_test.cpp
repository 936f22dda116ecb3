// SPDX-License-Identifier: Apache-2.0
// What the command line and the config file may say, and how a mistake is explained.
#include "agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/options_text.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

/// Arguments that do not depend on a config file of the machine.
Words arguments(const agent_test::TempDir& dir, const std::string& config, Words more = {}) {
    Words words{"--config", dir.write("agent.toml", config)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

TEST(Options, DefaultsFollowTheNodesName) {
    const agent_test::TempDir dir;
    const auto options = parse_options(arguments(dir, "", {"--node-name", "worker-1.example"}));
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->instance, "worker-1.example");
    EXPECT_EQ(options->socket, "/run/directfaas/worker-1.example.sock");
    EXPECT_EQ(options->source_dir, "/etc/directfaas/manifests");
    EXPECT_EQ(options->http.host, "127.0.0.1");
    EXPECT_EQ(options->http.port, 9467);
    EXPECT_EQ(options->hold_deadline, std::chrono::seconds(30));
    EXPECT_EQ(options->task, Task::kRun);
    EXPECT_EQ(options->fast_path, FastPathKind::kAuto);
}

TEST(Options, FlagsOfTheNodeAndItsSwitch) {
    const agent_test::TempDir dir;
    const auto options = parse_options(arguments(dir, "",
                                                 {"--instance",
                                                  "a",
                                                  "--node-name",
                                                  "n",
                                                  "--source-dir",
                                                  "/m",
                                                  "--pod-network",
                                                  "10.1.0.0/16",
                                                  "--pod-network=fd00::/8",
                                                  "--backend",
                                                  "ovs",
                                                  "--bpffs",
                                                  "/b",
                                                  "--deny",
                                                  "drop",
                                                  "--fast-path",
                                                  "off",
                                                  "--attach",
                                                  "clsact",
                                                  "--tc-priority",
                                                  "7"}));
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->instance, "a");
    EXPECT_EQ(options->node_name, "n");
    EXPECT_EQ(options->source_dir, "/m");
    ASSERT_EQ(options->pod_networks.size(), 2U);
    EXPECT_EQ(options->pod_networks[1].text(), "fd00::/8");
    EXPECT_EQ(options->backend, BackendKind::kOvs);
    EXPECT_EQ(options->bpffs, "/b");
    EXPECT_TRUE(options->deny_silently);
    EXPECT_EQ(options->fast_path, FastPathKind::kOff);
    EXPECT_EQ(options->attach, AttachKind::kClsact);
    EXPECT_EQ(options->tc_priority, 7U);
}

TEST(Options, TheSourceMayBeACluster) {
    const agent_test::TempDir dir;
    const auto cluster = parse_options(
        arguments(dir, "source = \"kubernetes\"\n", {"--node-name", "n", "--kubeconfig", "/k"}));
    ASSERT_TRUE(cluster) << cluster.error().text;
    EXPECT_EQ(cluster->source, SourceKind::kKubernetes);
    EXPECT_EQ(cluster->kubeconfig, "/k");
    const auto directory = parse_options(arguments(dir, "", {"--node-name", "n"}));
    ASSERT_TRUE(directory);
    EXPECT_EQ(directory->source, SourceKind::kDirectory);
    const auto useless =
        parse_options(arguments(dir, "", {"--node-name", "n", "--kubeconfig", "/k"}));
    ASSERT_FALSE(useless);
    EXPECT_THAT(useless.error().text, HasSubstr("--source kubernetes"));
}

TEST(Options, UplinksAreNamedOneByOne) {
    const agent_test::TempDir dir;
    const auto options = parse_options(
        arguments(dir, "uplink-mode = \"native\"\n",
                  {"--uplink", "eth0", "--uplink", "eth1", "--uplink-pods=tunnelled"}));
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->uplinks, (std::vector<std::string>{"eth0", "eth1"}));
    EXPECT_EQ(options->uplink_mode, UplinkKind::kNative);
    EXPECT_TRUE(options->tunnelled);
}

TEST(Options, FlagsOfLimits) {
    const agent_test::TempDir dir;
    const auto options = parse_options(
        arguments(dir, "",
                  {"--max-functions", "100", "--max-endpoints", "200", "--max-edges", "300",
                   "--max-connections", "4000", "--budget-rate", "1", "--budget-burst", "2",
                   "--budget-live", "3", "--event-rate", "4"}));
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->max_functions, 100U);
    EXPECT_EQ(options->max_endpoints, 200U);
    EXPECT_EQ(options->max_edges, 300U);
    EXPECT_EQ(options->max_connections, 4000U);
    EXPECT_EQ(options->budget_rate, 1U);
    EXPECT_EQ(options->budget_burst, 2U);
    EXPECT_EQ(options->budget_live, 3U);
    EXPECT_EQ(options->event_rate, 4U);
}

TEST(Options, FlagsOfActivationSocketsAndLog) {
    const agent_test::TempDir dir;
    const auto options = parse_options(arguments(
        dir, "",
        {"--activator-exec", "/bin/true", "--activation-timeout", "1s", "--hold-deadline", "500ms",
         "--hold-max-per-function", "5", "--hold-max-total", "6", "--socket", "/s", "--http-listen",
         "[::1]:80", "--log-level", "error", "--log-format", "json"}));
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->activator_exec, "/bin/true");
    EXPECT_EQ(options->activation_timeout, std::chrono::seconds(1));
    EXPECT_EQ(options->hold_deadline, std::chrono::milliseconds(500));
    EXPECT_EQ(options->hold_max_per_function, 5U);
    EXPECT_EQ(options->hold_max_total, 6U);
    EXPECT_EQ(options->socket, "/s");
    EXPECT_EQ(options->http.host, "::1");
    EXPECT_EQ(options->http.port, 80);
    EXPECT_EQ(options->log_level, util::log::Level::kError);
    EXPECT_EQ(options->log_format, util::log::Format::kJson);
}

TEST(Options, FlagsOfTasks) {
    const agent_test::TempDir dir;
    const auto check = parse_options(arguments(dir, "", {"--check", "-o", "json"}));
    ASSERT_TRUE(check) << check.error().text;
    EXPECT_EQ(check->task, Task::kCheck);
    EXPECT_TRUE(check->check_as_json);
    const auto remove = parse_options(arguments(dir, "", {"--remove", "--http-listen", "off"}));
    ASSERT_TRUE(remove) << remove.error().text;
    EXPECT_EQ(remove->task, Task::kRemove);
    EXPECT_EQ(remove->http.port, 0);
    EXPECT_EQ(remove->drain.count(), 0);
    const auto mount = parse_options(arguments(dir, "", {"--mount-bpffs"}));
    ASSERT_TRUE(mount) << mount.error().text;
    EXPECT_EQ(mount->task, Task::kMountBpffs);
    const auto drain = parse_options(arguments(dir, "", {"--drain", "90s"}));
    ASSERT_TRUE(drain) << drain.error().text;
    EXPECT_EQ(drain->task, Task::kRun);
    EXPECT_EQ(drain->drain, std::chrono::seconds(90));
}

TEST(Options, ConfigFileFillsWhatTheCommandLineLeavesOpen) {
    const agent_test::TempDir dir;
    const auto options = parse_options(arguments(dir,
                                                 "# a comment\n"
                                                 "instance = \"from-file\"\n"
                                                 "deny = \"drop\"\n"
                                                 "max-edges = 77\n"
                                                 "hold-deadline = \"2m\"\n"
                                                 "pod-network = [\"10.1.0.0/16\", \"fd00::/8\"]\n",
                                                 {"--instance", "typed"}));
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->instance, "typed");
    EXPECT_TRUE(options->deny_silently);
    EXPECT_EQ(options->max_edges, 77U);
    EXPECT_EQ(options->hold_deadline, std::chrono::minutes(2));
    EXPECT_EQ(options->pod_networks.size(), 2U);
}

struct Mistake {
    const char* name;
    const char* config;
    Words more;
    Words said;  // all of these
};

const std::vector<Mistake> kMistakes{

    Mistake{"deny", "", {"--deny", "maybe"}, {"--deny: `maybe`", "Allowed: refuse, drop"}},
    Mistake{"duration", "", {"--hold-deadline", "5"}, {"--hold-deadline: `5`", "500ms or 30s"}},
    Mistake{"zero_duration", "", {"--activation-timeout=0s"}, {"--activation-timeout: `0s`"}},
    Mistake{"uplink", "", {"--uplink", "a/b"}, {"--uplink: `a/b`", "1 to 15"}},
    Mistake{"uplink_ovs", "", {"--uplink=eth0", "--backend=ovs"}, {"--uplink", "ebpf backend"}},
    Mistake{"number", "", {"--tc-priority", "0"}, {"--tc-priority: `0`", "from 1 to 65535"}},
    Mistake{"no_number", "", {"--max-edges", "1e6"}, {"--max-edges: `1e6`", "from 16"}},
    Mistake{"negative", "", {"--budget-rate=-1"}, {"--budget-rate: `-1`", "from 0"}},
    Mistake{"network", "", {"--pod-network", "10.0.0.0"}, {"--pod-network: `10.0.0.0`", "/16"}},
    Mistake{"listen", "", {"--http-listen", "host:1"}, {"--http-listen: `host:1`", "or off"}},
    Mistake{"listen_port", "", {"--http-listen", "127.0.0.1:0"}, {"--http-listen"}},
    Mistake{"instance", "", {"--instance", "../x"}, {"--instance: `../x`", "letters"}},
    Mistake{"socket", "", {"--socket", "run/x"}, {"--socket: `run/x`", "absolute"}},
    Mistake{"unknown", "", {"--nope"}, {"--nope"}},
    Mistake{"stray", "", {"stray"}, {"stray"}},
    Mistake{"no_value", "", {"--instance"}, {"--instance needs one value"}},
    Mistake{"twice", "", {"--deny", "drop", "--deny", "drop"}, {"--deny needs one value"}},
    Mistake{"format_alone", "", {"-o", "json"}, {"--check"}},
    Mistake{"format", "", {"--check", "-o", "xml"}, {"--output: `xml`", "table, json"}},
    Mistake{"two_tasks", "", {"--check", "--remove"}, {"--check", "--remove"}},
    Mistake{"mount_and_check", "", {"--check", "--mount-bpffs"}, {"--check", "--mount-bpffs"}},
    Mistake{"file_value", "deny = \"maybe\"\n", {}, {"agent.toml: deny: `maybe`", "refuse"}},
    Mistake{"file_key", "dney = \"drop\"\n", {}, {"agent.toml: `dney`", "deny", "socket"}},
    Mistake{"file_section", "[hold]\nmax = 3\n", {}, {"agent.toml: `[hold]`"}},
    Mistake{"file_task", "check = true\n", {}, {"agent.toml: `check`"}}};

class OptionMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(OptionMistakes, AreExplained) {
    const agent_test::TempDir dir;
    const auto options = parse_options(arguments(dir, GetParam().config, GetParam().more));
    ASSERT_FALSE(options);
    EXPECT_EQ(options.error().exit_status, 2);
    for (const auto& word : GetParam().said) {
        EXPECT_THAT(options.error().text, HasSubstr(word));
    }
}

INSTANTIATE_TEST_SUITE_P(All, OptionMistakes, testing::ValuesIn(kMistakes),
                         [](const auto& mistake) { return mistake.param.name; });

TEST(Options, AMissingConfigFileIsAMistakeOnlyWhenNamed) {
    const auto named = parse_options({"--config", "/nonexistent/agent.toml"});
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error().exit_status, 2);
    EXPECT_THAT(named.error().text, HasSubstr("/nonexistent/agent.toml"));
}

TEST(Options, NineNetworksAreOneTooMany) {
    const agent_test::TempDir dir;
    Words words;
    for (int i = 0; i < 8; ++i) {
        words.insert(words.end(), {"--pod-network", "10." + std::to_string(i) + ".0.0/16"});
    }
    EXPECT_TRUE(parse_options(arguments(dir, "", words)));
    words.insert(words.end(), {"--pod-network", "10.9.0.0/16"});
    const auto options = parse_options(arguments(dir, "", words));
    ASSERT_FALSE(options);
    EXPECT_THAT(options.error().text, HasSubstr("8 networks"));
}

TEST(Options, ANodeNameThatCannotNameAnInstanceIsRefused) {
    const agent_test::TempDir dir;
    const auto options = parse_options(arguments(dir, "", {"--node-name", "a b"}));
    ASSERT_FALSE(options);
    EXPECT_THAT(options.error().text, HasSubstr("--instance"));
}

TEST(Options, HelpAndVersionEndWithSuccess) {
    const auto help = parse_options({"--help"});
    ASSERT_FALSE(help);
    EXPECT_EQ(help.error().exit_status, 0);
    for (const auto* word : {"--instance", "--source-dir", "--activator-exec", "--remove",
                             "Examples:", "/etc/directfaas/agent.toml", "(default 30s)"}) {
        EXPECT_THAT(help.error().text, HasSubstr(word));
    }
    EXPECT_THAT(help.error().text, testing::Not(HasSubstr("\n\n\n")));
    const auto version = parse_options({"--version"});
    ASSERT_FALSE(version);
    EXPECT_EQ(version.error().exit_status, 0);
    EXPECT_EQ(version.error().text, "directfaas-agent " DF_VERSION "\n");
}

TEST(Durations, AreWholeNumbersWithAUnit) {
    using std::chrono::milliseconds;
    EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
    EXPECT_EQ(parse_duration("30s"), milliseconds(30000));
    EXPECT_EQ(parse_duration("2m"), milliseconds(120000));
    EXPECT_EQ(parse_duration("24h"), milliseconds(86400000));
    for (const auto* wrong :
         {"", "s", "5", "0s", "-1s", "1.5s", "1 s", "25h", "1d", "1sec", "99999999999999999999s"}) {
        EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
    }
}

}  // namespace
}  // namespace directfaas
