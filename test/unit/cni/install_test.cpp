// SPDX-License-Identifier: Apache-2.0
// How the plugin gets into a network's configuration, and out of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "cni-plugin/install/files.h"
#include "cni-plugin/install/network_dir.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas::cni_install {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kList = R"({
 "cniVersion": "0.3.1", "x-owner": {"z": 1, "a": [1.5, null]}, "name": "pods",
 "plugins": [{"type": "bridge", "x": true}, {"type": "portmap"}]
})";
const Json kEntry{{"type", kPluginType}, {"socket", "/run/a.sock"}};

class InstallTest : public testing::Test {
   protected:
    std::string put(const std::string& name, const std::string& text) {
        return dir_.write(name, text);
    }
    Json read(const std::string& name) { return Json::parse(*read_file(dir_.file(name))); }
    Done ensure() {
        auto done = network_.ensure(kEntry);
        EXPECT_TRUE(done) << (done ? "" : done.error().text());
        return done.value_or(Done::kNoNetwork);
    }
    std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const auto& item : fs::directory_iterator(dir_.file(""))) {
            all.push_back(item.path().filename().string());
        }
        return all;
    }

    agent_test::TempDir dir_;
    NetworkDir network_{dir_.file(""), Method::kInPlace};
};

TEST_F(InstallTest, AppendsOnceAndKeepsEverythingElse) {
    const auto path = put("10-a.conflist", kList);
    fs::permissions(path, fs::perms(0640));
    EXPECT_EQ(ensure(), Done::kChanged);
    auto wanted = Json::parse(kList);
    wanted["plugins"].push_back(kEntry);
    EXPECT_EQ(read("10-a.conflist"), wanted);
    struct stat about{};
    stat(path.c_str(), &about);
    EXPECT_EQ(about.st_mode & 0777U, 0640U);
    const auto inode = about.st_ino;
    EXPECT_EQ(ensure(), Done::kNothing);
    stat(path.c_str(), &about);
    EXPECT_EQ(about.st_ino, inode) << "it was written although nothing changed";
    EXPECT_THAT(names(), testing::ElementsAre("10-a.conflist"));
}

TEST_F(InstallTest, TwoCopiesBecomeOneAtTheEnd) {
    auto list = Json::parse(kList);
    const auto old = Json::object({{"type", kPluginType}, {"socket", "old"}});
    list["plugins"].insert(list["plugins"].begin(), old);
    list["plugins"].push_back(kEntry);
    put("10-a.conflist", list.dump());
    EXPECT_EQ(ensure(), Done::kChanged);
    auto wanted = Json::parse(kList);
    wanted["plugins"].push_back(kEntry);
    EXPECT_EQ(read("10-a.conflist"), wanted);
}

TEST_F(InstallTest, TakesTheFirstFileThatARuntimeWouldTake) {
    put("00-comment.conflist", std::string("// no JSON\n") + kList);
    put("01-bom.conflist", std::string("\xef\xbb\xbf") + kList);
    put("02-torn.conflist", std::string(kList).substr(0, 40));
    put("03-only-us.conflist", R"({"name":"n","plugins":[{"type":"directfaas-cni"}]})");
    put("04-list-in.conf", kList);
    put("05-single-in.conflist", R"({"name":"n","type":"bridge"})");
    put("06-no-type.conflist", R"({"name":"n","plugins":[{"type":"a"},{}]})");
    put("07-a.conflist.bak", kList);
    std::string with_crlf;
    for (const char byte : std::string(kList)) {
        with_crlf += byte == '\n' ? std::string("\r\n") : std::string(1, byte);
    }
    put("20-crlf.conflist", with_crlf);
    put("30-later.conflist", kList);
    EXPECT_EQ(ensure(), Done::kChanged);
    EXPECT_EQ(read("20-crlf.conflist")["plugins"].back(), kEntry);
    EXPECT_EQ(*read_file(dir_.file("30-later.conflist")), kList);
    EXPECT_THAT(*read_file(dir_.file("00-comment.conflist")), HasSubstr("// no JSON"));
}

TEST_F(InstallTest, WaitsWhereThereIsNoNetwork) {
    EXPECT_EQ(ensure(), Done::kNoNetwork);
    EXPECT_TRUE(names().empty());
}

TEST_F(InstallTest, ASinglePluginBecomesAListAndComesBack) {
    const std::string single = R"({"cniVersion":"0.4.0","name":"n","type":"ptp","mtu":1400})";
    put("10-a.conf", single);
    EXPECT_EQ(ensure(), Done::kChanged);
    EXPECT_EQ(read("10-a.conflist")["plugins"], Json::array({Json::parse(single), kEntry}));
    EXPECT_EQ(read("10-a.conflist")["cniVersion"], "0.4.0");
    EXPECT_FALSE(fs::exists(dir_.file("10-a.conf")));
    EXPECT_EQ(ensure(), Done::kNothing);
    ASSERT_TRUE(network_.withdraw());
    EXPECT_EQ(*read_file(dir_.file("10-a.conf")), single);
    EXPECT_THAT(names(), testing::ElementsAre("10-a.conf"));
}

TEST_F(InstallTest, WithdrawsFromEveryFile) {
    auto list = Json::parse(kList);
    list["plugins"].push_back(kEntry);
    put("10-a.conflist", list.dump());
    put("20-b.conflist", list.dump());
    ASSERT_TRUE(network_.withdraw());
    EXPECT_EQ(read("10-a.conflist"), Json::parse(kList));
    EXPECT_EQ(read("20-b.conflist"), Json::parse(kList));
}

TEST_F(InstallTest, ADropInIsOneFileOfOurOwn) {
    put("10-a.conflist", kList);
    NetworkDir network(dir_.file(""), Method::kDropIn);
    EXPECT_EQ(*network.ensure(kEntry), Done::kChanged);
    EXPECT_EQ(*network.ensure(kEntry), Done::kNothing);
    EXPECT_EQ(read("pods/directfaas.conf"), kEntry);
    EXPECT_EQ(*read_file(dir_.file("10-a.conflist")), kList);
    ASSERT_TRUE(network.withdraw());
    EXPECT_THAT(names(), testing::ElementsAre("10-a.conflist"));
}

TEST_F(InstallTest, WhatTheOwnerWroteMeanwhileIsNeverLost) {
    const auto path = put("10-a.conflist", "the owner's newer text");
    const auto exchanged = exchange_file(path, "what we had read", "ours");
    ASSERT_TRUE(exchanged);
    EXPECT_FALSE(*exchanged);
    EXPECT_EQ(*read_file(path), "the owner's newer text");
    EXPECT_THAT(names(), testing::ElementsAre("10-a.conflist"));
    EXPECT_FALSE(*exchange_file(dir_.file("gone.conflist"), "", "ours"));
}

TEST_F(InstallTest, DraftsOfAKilledProcessAreNoNetworksAndGoAway) {
    put("10-a.conflist", kList);
    put(".directfaas-cni.10-a.conflist.draft", "{half");
    EXPECT_EQ(ensure(), Done::kChanged);
    put(".directfaas-cni.x.draft", "{half");
    remove_drafts(dir_.file(""));
    EXPECT_THAT(names(), testing::ElementsAre("10-a.conflist"));
}

}  // namespace
}  // namespace directfaas::cni_install
