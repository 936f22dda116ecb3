// SPDX-License-Identifier: Apache-2.0
// What comes out of directfaas-cni for what goes in, for each command and version, without a
// namespace and without an agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "test/unit/agent/temp_dir.h"
#include "test/unit/cni/plugin_process.h"

namespace directfaas::cni_test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kVersions[] = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};

class PluginTest : public testing::TestWithParam<const char*> {
   protected:
    json config(const std::string& version) const {
        return {{"cniVersion", version},
                {"name", "net"},
                {"type", "directfaas-cni"},
                {"socket", dir_.file("agent.sock")}};
    }
    /// `strip`: variables that are not set.
    static std::map<std::string, std::string> environment(const std::string& command) {
        return {{"CNI_COMMAND", command},
                {"CNI_CONTAINERID", "c1"},
                {"CNI_NETNS", "/run/netns/is-gone"},
                {"CNI_IFNAME", "eth0"},
                {"CNI_PATH", "/opt/cni/bin"}};
    }
    static std::map<std::string, std::string> for_pod(const std::string& command,
                                                      const std::string& ns) {
        auto variables = environment(command);
        variables["CNI_ARGS"] = "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + ns + ";K8S_POD_NAME=p-1";
        return variables;
    }
    static void expect_error(const Ran& ran, int code, const std::string& text) {
        EXPECT_EQ(ran.status, 1) << ran.err;
        const auto error = json::parse(ran.out, nullptr, false);
        ASSERT_TRUE(error.is_object()) << ran.out;
        EXPECT_EQ(error["code"], code) << ran.out;
        EXPECT_THAT(ran.out, HasSubstr(text));
        EXPECT_TRUE(error.contains("cniVersion"));
    }
    std::size_t pending() const {
        std::error_code none;
        std::size_t count = 0;
        for (std::filesystem::directory_iterator at(dir_.file("agent.sock.pending"), none), end;
             at != end; ++at) {
            ++count;
        }
        return count;
    }

    agent_test::TempDir dir_;
};
INSTANTIATE_TEST_SUITE_P(Version, PluginTest, testing::ValuesIn(kVersions));

TEST_P(PluginTest, AddPassesTheResultOnByteForByte) {
    // Fields out of order, unknown ones and those of other versions.
    const std::string result = std::string(R"({"ips":[{"version":"4","address":"10.1.0.2/24",)") +
                               R"("interface":2}],"x-future":{"b":1,"a":[null,1.5]},)" +
                               R"("dns":{},"cniVersion":")" + GetParam() + R"("})";
    auto text = config(GetParam()).dump();
    text.back() = ',';
    text += R"("prevResult":)" + result + "}";
    const auto ran = run_plugin(environment("ADD"), text);
    EXPECT_EQ(ran.status, 0) << ran.out;
    EXPECT_EQ(ran.out, result + "\n");
}

TEST_P(PluginTest, AddFillsInAMissingVersionOnly) {
    auto input = config(GetParam());
    input["prevResult"] = {{"ips", json::array()}};
    const auto ran = run_plugin(environment("ADD"), input.dump());
    EXPECT_EQ(json::parse(ran.out), (json{{"ips", json::array()}, {"cniVersion", GetParam()}}));
}

TEST_P(PluginTest, AddAndCheckNeedAResultBeforeThem) {
    for (const auto& previous : {json(), json::object(), json("text")}) {
        auto input = config(GetParam());
        input["prevResult"] = previous;
        expect_error(run_plugin(environment("ADD"), input.dump()), 7, "prevResult");
    }
    expect_error(run_plugin(environment("ADD"), config(GetParam()).dump()), 7, "prevResult");
    const bool has_check = std::string(GetParam()) >= "0.4.0";
    expect_error(run_plugin(environment("CHECK"), config(GetParam()).dump()), has_check ? 7 : 1,
                 has_check ? "prevResult" : "0.4.0");
}

TEST_P(PluginTest, CheckSaysNothingWhenAllIsWell) {
    auto input = config(GetParam());
    input["prevResult"] = {{"cniVersion", GetParam()}};
    const auto ran = run_plugin(environment("CHECK"), input.dump());
    if (std::string(GetParam()) >= "0.4.0") {
        EXPECT_EQ(ran.status, 0) << ran.out;
        EXPECT_EQ(ran.out, "");
    } else {
        expect_error(ran, 1, "CHECK");
    }
}

TEST_P(PluginTest, DeletesThreeTimesWithoutNamespaceAndAgent) {
    for (int again = 0; again < 3; ++again) {
        const auto ran = run_plugin(environment("DEL"), config(GetParam()).dump());
        EXPECT_EQ(ran.status, 0);
        EXPECT_EQ(ran.out, "");
        EXPECT_THAT(ran.err, HasSubstr("agent.sock"));
        EXPECT_EQ(pending(), 1U);
    }
}

TEST_P(PluginTest, GcAndStatusBelongToTheLatestVersion) {
    for (const auto* command : {"GC", "STATUS"}) {
        const auto ran = run_plugin({{"CNI_COMMAND", command}}, config(GetParam()).dump());
        if (std::string(GetParam()) == "1.1.0") {
            EXPECT_EQ(ran.status, 0) << ran.out;
            EXPECT_EQ(ran.out, "");
        } else {
            expect_error(ran, 1, command);
        }
    }
}

TEST_P(PluginTest, VersionListsAllAndNeverFails) {
    const json wanted{{"cniVersion", GetParam()}, {"supportedVersions", kVersions}};
    const auto ran = run_plugin({{"CNI_COMMAND", "VERSION"}}, config(GetParam()).dump());
    EXPECT_EQ(json::parse(ran.out), wanted);
    for (const auto* input : {"", "nonsense", R"({"cniVersion":"9.9.9"})", R"({"cniVersion":4})"}) {
        const auto odd = run_plugin({{"CNI_COMMAND", "VERSION"}}, input);
        EXPECT_EQ(odd.status, 0);
        EXPECT_EQ(json::parse(odd.out)["supportedVersions"], json(kVersions));
    }
}

TEST_F(PluginTest, AnUnknownOrMissingCommandIsAnErrorOfTheEnvironment) {
    expect_error(run_plugin({{"CNI_COMMAND", "FROB"}}, "{}"), 4, "FROB");
    expect_error(run_plugin({}, "{}"), 4, "CNI_COMMAND");
}

TEST_F(PluginTest, EveryMissingVariableIsNamed) {
    const auto ran = run_plugin({{"CNI_COMMAND", "ADD"}}, config("1.0.0").dump());
    expect_error(ran, 4, "CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME");
}

TEST_F(PluginTest, WrongInputHasTheCodesOfTheSpecification) {
    expect_error(run_plugin(environment("ADD"), ""), 6, "JSON");
    expect_error(run_plugin(environment("ADD"), "{"), 6, "JSON");
    for (const auto* version : {"0.2.0", "", "1.10.0", "2.0.0"}) {
        expect_error(run_plugin(environment("ADD"), config(version).dump()), 1, "not supported");
    }
    auto input = config("1.0.0");
    input["onAgentUnavailable"] = "Maybe";
    expect_error(run_plugin(environment("ADD"), input.dump()), 7, "onAgentUnavailable");
    input = config("1.0.0");
    input["failNamespaces"] = {1};
    expect_error(run_plugin(environment("ADD"), input.dump()), 7, "failNamespaces");
}

TEST_F(PluginTest, DelSucceedsWhateverIsMissing) {
    for (const auto* input : {"", "{", "[]", R"({"cniVersion":"9.9.9"})", R"({"socket":7})"}) {
        const auto ran = run_plugin(environment("DEL"), input);
        EXPECT_EQ(ran.status, 0) << input;
        EXPECT_EQ(ran.out, "") << input;
        EXPECT_NE(ran.err, "") << input;
    }
    EXPECT_EQ(run_plugin({{"CNI_COMMAND", "DEL"}}, config("1.0.0").dump()).status, 0);
    EXPECT_EQ(pending(), 0U);
}

TEST_F(PluginTest, DelStopsLeavingFilesAtTheCap) {
    const std::filesystem::path dir = dir_.file("agent.sock.pending");
    std::filesystem::create_directory(dir);
    for (int i = 0; i < 1024; ++i) {
        std::ofstream(dir / (std::to_string(i) + ".json")) << "{}";
    }
    const auto ran = run_plugin(environment("DEL"), config("1.0.0").dump());
    EXPECT_EQ(ran.status, 0);
    EXPECT_THAT(ran.err, HasSubstr("full"));
    EXPECT_EQ(pending(), 1024U);
}

TEST_F(PluginTest, GcWithoutAListDoesNothing) {
    const auto ran = run_plugin({{"CNI_COMMAND", "GC"}}, config("1.1.0").dump());
    EXPECT_EQ(ran.status, 0);
    EXPECT_THAT(ran.err, HasSubstr("nothing is removed"));
    for (const auto* key : {"cni.dev/valid-attachments", "cni.dev/attachments"}) {
        auto input = config("1.1.0");
        input[key] = json::array();
        const auto asked = run_plugin({{"CNI_COMMAND", "GC"}}, input.dump());
        EXPECT_EQ(asked.status, 0);
        EXPECT_THAT(asked.err, HasSubstr("agent.sock")) << "it did not ask the agent: " << key;
        input[key] = {{{"containerID", "c"}}};
        expect_error(run_plugin({{"CNI_COMMAND", "GC"}}, input.dump()), 7, "valid-attachments");
    }
}

TEST_F(PluginTest, StatusFailsOnlyWhereItGatesTheNode) {
    auto input = config("1.1.0");
    EXPECT_EQ(run_plugin({{"CNI_COMMAND", "STATUS"}}, input.dump()).status, 0);
    input["statusGatesNode"] = true;
    expect_error(run_plugin({{"CNI_COMMAND", "STATUS"}}, input.dump()), 50, "not ready");
}

TEST_F(PluginTest, AMissingNamespaceIsAnErrorOfAddOnly) {
    auto input = config("1.0.0");
    input["prevResult"] = {{"cniVersion", "1.0.0"}};
    expect_error(run_plugin(for_pod("ADD", "shop"), input.dump()), 5, "is-gone");
    EXPECT_EQ(run_plugin(for_pod("DEL", "shop"), input.dump()).status, 0);
}

}  // namespace
}  // namespace directfaas::cni_test
