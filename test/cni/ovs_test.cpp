// SPDX-License-Identifier: Apache-2.0
// The real directfaas-ovs with a real Open vSwitch (userspace datapath), the real host-local and
// real namespaces:   pod eth0 ──veth── dfv... [br0 of node, 10.77.0.1 and fd00:77::1]
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "test/support/command.h"
#include "test/support/servers.h"
#include "test/support/socket.h"
#include "test/support/vswitch.h"
#include "test/unit/cni/plugin_process.h"

namespace directfaas::cni_test {
namespace {

using namespace support;
using nlohmann::json;
using testing::HasSubstr;

class OvsPluginTest : public testing::Test {
   protected:
    OvsPluginTest() { std::filesystem::create_directory(data_); }
    ~OvsPluginTest() override { std::filesystem::remove_all(data_); }

    [[nodiscard]] json config(const std::string& version = "1.0.0") const {
        const json range4 = json::array({{{"subnet", "10.77.0.0/24"}}});
        const json range6 = json::array({{{"subnet", "fd00:77::/64"}}});
        return {
            {"cniVersion", version},
            {"name", "net"},
            {"type", "directfaas-ovs"},
            {"bridge", vswitch_.bridge()},
            {"ovsRunDir", vswitch_.run_dir()},
            {"ipam", {{"type", "host-local"}, {"dataDir", data_}, {"ranges", {range4, range6}}}}};
    }
    [[nodiscard]] Ran run(const std::string& command, const Netns& pod, const json& config) const {
        return node_.run([&] {
            return run_plugin({{"CNI_COMMAND", command},
                               {"CNI_CONTAINERID", "container-of-" + pod.name()},
                               {"CNI_NETNS", "/run/netns/" + pod.name()},
                               {"CNI_IFNAME", "eth0"},
                               {"CNI_PATH", "/usr/lib/cni"}},
                              config.dump());
        });
    }
    /// Addresses that host-local has given and not got back.
    [[nodiscard]] std::size_t given() const {
        std::size_t files = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(data_)) {
            const auto name = entry.path().filename().string();
            files += entry.is_regular_file() &&
                             (name.starts_with("10.77.") || name.starts_with("fd00:77:"))
                         ? 1
                         : 0;
        }
        return files;
    }
    [[nodiscard]] std::string links() const {
        return run_command({"ip", "-o", "link"}, {.netns = node_.fd()}).output;
    }
    void expect_nothing_left() const {
        EXPECT_EQ(given(), 0U);
        EXPECT_EQ(links().find("dfv"), std::string::npos) << links();
        EXPECT_EQ(vswitch_.ofctl("show").find("dfv"), std::string::npos);
    }

    const std::string prefix_ = unique_prefix();
    const std::string data_ =
        (std::filesystem::temp_directory_path() / (prefix_ + "-ipam")).string();
    Netns node_{prefix_ + "-node"};
    Netns one_{prefix_ + "-one"};
    Netns two_{prefix_ + "-two"};
    VSwitch vswitch_{node_, prefix_, "ee:ee:ee:ee:ee:ee"};
};

util::IpAddress address_of(const json& result, std::size_t index) {
    const auto text = result["ips"][index]["address"].get<std::string>();
    return *util::IpAddress::parse(text.substr(0, text.find('/')));
}

TEST_F(OvsPluginTest, PodsReachEachOtherAndTheNode) {
    const auto first = run("ADD", one_, config());
    const auto second = run("ADD", two_, config());
    ASSERT_EQ(first.status, 0) << first.out << first.err;
    ASSERT_EQ(second.status, 0) << second.out << second.err;
    EXPECT_EQ(first.err, "");
    const auto result = json::parse(second.out);
    EXPECT_EQ(result["interfaces"][2]["sandbox"], "/run/netns/" + two_.name());
    EXPECT_EQ(result["ips"][0]["interface"], 2);
    const LineServer server(two_, "two", 8080);
    for (const std::size_t family : {0U, 1U}) {
        for (const Netns* from : {&one_, &node_}) {
            auto client = TcpClient::connect(*from, {address_of(result, family), 8080});
            ASSERT_TRUE(client) << client.error().text();
            EXPECT_EQ(client->ask("x").value_or(""), "two x");
        }
    }
    EXPECT_EQ(run("CHECK", two_, config()).status, 0);
    for (const Netns* pod : {&one_, &two_}) {
        for (int again = 0; again < 3; ++again) {
            const auto gone = run("DEL", *pod, config());
            EXPECT_EQ(gone.status, 0);
            EXPECT_EQ(gone.out, "");
        }
    }
    expect_nothing_left();
}

TEST_F(OvsPluginTest, EveryVersionGetsItsResult) {
    for (const char* version : {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}) {
        const auto ran = run("ADD", one_, config(version));
        ASSERT_EQ(ran.status, 0) << version << ran.out << ran.err;
        EXPECT_EQ(json::parse(ran.out)["cniVersion"], version);
        EXPECT_EQ(run("DEL", one_, config(version)).status, 0);
    }
    expect_nothing_left();
}

TEST_F(OvsPluginTest, WhatFailsIsTakenBack) {
    // The interface's name is taken in the pod, which shows after the addresses were given.
    one_.ip({"link add eth0 type veth peer name other"});
    const auto ran = run("ADD", one_, config());
    EXPECT_EQ(ran.status, 1);
    const auto error = json::parse(ran.out, nullptr, false);
    ASSERT_TRUE(error.is_object()) << ran.out;
    EXPECT_EQ(error["code"], 999);
    expect_nothing_left();

    auto nowhere = config();
    nowhere["bridge"] = "nowhere";
    const auto none = run("ADD", two_, nowhere);
    EXPECT_EQ(none.status, 1);
    EXPECT_THAT(none.out, HasSubstr("there is no bridge nowhere"));
    auto nobody = config();
    nobody["ipam"]["type"] = "no-such-plugin";
    EXPECT_THAT(run("ADD", two_, nobody).out, HasSubstr("is not in CNI_PATH"));
    expect_nothing_left();
}

TEST_F(OvsPluginTest, CheckSeesAMissingPort) {
    ASSERT_EQ(run("ADD", one_, config()).status, 0);
    const auto all = links();
    const auto at = all.find("dfv");
    ASSERT_NE(at, std::string::npos);
    vswitch_.remove_port(all.substr(at, 15));
    const auto ran = run("CHECK", one_, config());
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(json::parse(ran.out)["code"], 100) << ran.out;
    EXPECT_EQ(run("DEL", one_, config()).status, 0);
    expect_nothing_left();
}

TEST_F(OvsPluginTest, DeletionNeedsNoSwitchAndCollectionFindsWhatIsStale) {
    ASSERT_EQ(run("ADD", one_, config("1.1.0")).status, 0);
    ASSERT_EQ(run("ADD", two_, config("1.1.0")).status, 0);
    auto collect = config("1.1.0");
    EXPECT_EQ(run("GC", one_, collect).status, 0);  // no list: nothing happens
    EXPECT_EQ(given(), 4U);
    collect["cni.dev/valid-attachments"] = {
        {{"containerID", "container-of-" + two_.name()}, {"ifname", "eth0"}}};
    EXPECT_EQ(run("GC", one_, collect).status, 0);
    EXPECT_EQ(given(), 2U);
    EXPECT_EQ(run("STATUS", two_, config("1.1.0")).status, 0);
    vswitch_.kill_database();
    EXPECT_EQ(json::parse(run("STATUS", two_, config("1.1.0")).out)["code"], 50);
    const auto gone = run("DEL", two_, config("1.1.0"));
    EXPECT_EQ(gone.status, 0);
    EXPECT_EQ(gone.out, "");
    EXPECT_EQ(given(), 0U);
    EXPECT_EQ(links().find("dfv"), std::string::npos);
    vswitch_.start_database();
}

}  // namespace
}  // namespace directfaas::cni_test
