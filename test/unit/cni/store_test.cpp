// SPDX-License-Identifier: Apache-2.0
// What the agent keeps of the plugin's words.
#include "agent/cni/store.h"

#include <gtest/gtest.h>

#include "agent/cni/pending.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas::cni {
namespace {

class StoreTest : public testing::Test {
   protected:
    Store open() {
        return Store(dir_.file("attached"), [this](const std::string& name) {
            const auto found = links_.find(name);
            return found == links_.end() ? 0 : found->second;
        });
    }
    static Attachment attachment(const std::string& container, const std::string& pod,
                                 const std::string& name, unsigned ifindex) {
        Attachment made;
        made.key = {container, "eth0"};
        made.pod = {"shop", pod};
        made.interface_name = name;
        made.ifindex = ifindex;
        made.addresses = {*util::IpAddress::parse("10.1.0.2"), *util::IpAddress::parse("fd00::2")};
        return made;
    }

    agent_test::TempDir dir_;
    std::map<std::string, unsigned> links_{{"v1", 1}, {"v2", 2}};
};

TEST_F(StoreTest, OutlivesTheProcess) {
    const auto made = attachment("c1", "a", "v1", 1);
    open().add(made);
    auto later = open();
    ASSERT_NE(later.of(made.pod), nullptr);
    EXPECT_EQ(*later.of(made.pod), made);
}

TEST_F(StoreTest, DropsWhatLostItsInterfaceOrIsNotReadable) {
    open().add(attachment("c1", "a", "v1", 1));
    open().add(attachment("c2", "b", "v2", 2));
    std::ofstream(dir_.file("attached/odd.json")) << "{";
    links_.erase("v1");
    links_["v2"] = 22;  // another device
    EXPECT_EQ(open().size(), 0U);
    EXPECT_TRUE(std::filesystem::is_empty(dir_.file("attached")));
}

TEST_F(StoreTest, AnInterfaceHasOneOwner) {
    auto store = open();
    store.add(attachment("c1", "a", "v1", 1));
    store.add(attachment("c2", "b", "v1", 1));
    EXPECT_EQ(store.of(model::ObjectName{"shop", "a"}), nullptr);
    EXPECT_NE(store.of(model::ObjectName{"shop", "b"}), nullptr);
    EXPECT_EQ(open().size(), 1U);
}

TEST_F(StoreTest, ALateDelOfTheFirstSandboxLeavesTheSecond) {
    auto store = open();
    store.add(attachment("c1", "a", "v1", 1));
    store.add(attachment("c2", "a", "v2", 2));
    store.remove({"c1", "eth0"});
    ASSERT_NE(store.of(model::ObjectName{"shop", "a"}), nullptr);
    EXPECT_EQ(store.of(model::ObjectName{"shop", "a"})->ifindex, 2U);
    store.remove({"c1", "eth0"});  // again
    store.remove({"c2", "eth0"});
    EXPECT_EQ(open().size(), 0U);
}

TEST_F(StoreTest, CollectsWhatIsNotNamed) {
    auto store = open();
    store.add(attachment("c1", "a", "v1", 1));
    store.add(attachment("c2", "b", "v2", 2));
    EXPECT_EQ(store.keep_only({{"c2", "eth0"}, {"c3", "eth0"}}), 1U);
    EXPECT_EQ(store.size(), 1U);
    EXPECT_NE(store.of(Key{"c2", "eth0"}), nullptr);
}

TEST_F(StoreTest, ClearedItLeavesNoDirectory) {
    auto store = open();
    store.add(attachment("c1", "a", "v1", 1));
    store.add(attachment("c2", "b", "v2", 2));
    store.clear();
    EXPECT_EQ(store.size(), 0U);
    EXPECT_FALSE(std::filesystem::exists(dir_.file("attached")));
}

TEST_F(StoreTest, PendingFilesAreTakenOnce) {
    const auto socket = dir_.file("agent.sock");
    std::filesystem::create_directory(socket + ".pending");
    std::ofstream(socket + ".pending/1.json") << "one";
    std::ofstream(socket + ".pending/2.json.draft") << "half";
    std::vector<std::string> taken;
    const auto take = [&](const std::string& text) { taken.push_back(text); };
    take_pending(socket, take);
    take_pending(socket, take);
    take_pending(dir_.file("none.sock"), take);
    EXPECT_EQ(taken, std::vector<std::string>{"one"});
}

}  // namespace
}  // namespace directfaas::cni
