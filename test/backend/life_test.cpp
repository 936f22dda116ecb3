// SPDX-License-Identifier: Apache-2.0
// How an instance comes, is handed over and goes; what stays of it is nothing. And what a node says
// about itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/replay.h"
#include "agent/backend/ebpf/tcx.h"
#include "test/backend/fixture.h"

namespace directfaas::backend::ebpf {
namespace {

class LifeTest : public BackendTest {
   protected:
    model::RuleSet attached_rules(unsigned ifindex) {
        auto rules = small_rules();
        rules.attachments[{"shop", "caller-1"}] = {
            function("caller"), ifindex, {ip("10.1.0.1")}, true};
        return rules;
    }
    static std::vector<AttachMode> modes() {
        return tcx::available() ? std::vector{AttachMode::kTcx, AttachMode::kClsact}
                                : std::vector{AttachMode::kClsact};
    }
    void expect_nothing_left(unsigned ifindex) {
        EXPECT_FALSE(std::filesystem::exists(folder()));
        for (const Hook hook : {Hook::kIngress, Hook::kEgress}) {
            EXPECT_TRUE(tcx::running(ifindex, hook).empty());
            EXPECT_TRUE(clsact::filters(ifindex, hook).empty());
        }
        const auto name = Replay::interface_name(options().instance);
        EXPECT_EQ(if_nametoindex((name + "a").c_str()), 0U);
        EXPECT_EQ(if_nametoindex((name + "b").c_str()), 0U);
        EXPECT_EQ(output_of({"tc", "qdisc", "show", "dev", "pod0"}, netns()).find("clsact"),
                  std::string::npos);
    }
};

TEST_F(LifeTest, RemoveLeavesNothing) {
    const unsigned ifindex = add_interface("pod0");
    for (const auto mode : modes()) {
        options().attach = mode;
        inside([&] {
            Backend& first = start();
            ASSERT_TRUE(first.apply(model::plan({}, attached_rules(ifindex))));
            EXPECT_TRUE(std::filesystem::exists(folder()));
            const auto removed = backend().remove();
            ASSERT_TRUE(removed) << removed.error().text();
            expect_nothing_left(ifindex);
            stop();
        });
    }
}

TEST_F(LifeTest, RemoveInstanceWorksWithoutABackend) {
    const unsigned ifindex = add_interface("pod0");
    for (const auto mode : modes()) {
        options().attach = mode;
        inside([&] {
            ASSERT_TRUE(start().apply(model::plan({}, attached_rules(ifindex))));
            // What another layout version left goes, too.
            ASSERT_TRUE(std::filesystem::create_directory(folder() + "/v999"));
            const auto busy = remove_instance(options());
            ASSERT_FALSE(busy);
            EXPECT_THAT(busy.error().text(), testing::HasSubstr("served by a running agent"));
            stop();
            const auto removed = remove_instance(options());
            ASSERT_TRUE(removed) << removed.error().text();
            expect_nothing_left(ifindex);
            EXPECT_TRUE(remove_instance(options()));  // nothing is left to remove
        });
    }
}

TEST_F(LifeTest, OneInstanceHasOneAgent) {
    inside([&] {
        start();
        const auto second = create(options());
        ASSERT_FALSE(second);
        EXPECT_THAT(second.error().text(), testing::HasSubstr("served by a running agent"));
        Options other = options();
        other.instance += "-b";
        {
            const auto beside = create(other);
            EXPECT_TRUE(beside) << beside.error().text();
        }
        EXPECT_TRUE(remove_instance(other));
    });
}

TEST_F(LifeTest, TwoInstancesKeepApart) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        ASSERT_TRUE(start().apply(model::plan({}, attached_rules(ifindex))));
        Options other = options();
        other.instance += "-b";
        {
            auto beside = create(other);
            ASSERT_TRUE(beside) << beside.error().text();
            const auto dumped = (*beside)->dump();
            ASSERT_TRUE(dumped);
            EXPECT_EQ(*dumped, model::RuleSet{});
            EXPECT_TRUE((*beside)->remove());
        }
        const auto dumped = backend().dump();
        ASSERT_TRUE(dumped);
        EXPECT_EQ(*dumped, attached_rules(ifindex));
    });
}

TEST_F(LifeTest, FoldersAreForRootAlone) {
    inside([&] {
        start();
        struct stat info{};
        ASSERT_EQ(stat(folder().c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777U, 0700U);
    });
}

/// Node names have dots, which bpffs does not take.
TEST_F(LifeTest, AnyNodeNameIsAnInstance) {
    inside([&] {
        options().instance += ".node-1.example.org";
        start();
        EXPECT_TRUE(std::filesystem::exists(folder()));
        EXPECT_TRUE(backend().remove());
        stop();
        Options nameless = options();
        nameless.instance = "";
        EXPECT_FALSE(create(nameless));
        EXPECT_FALSE(remove_instance(nameless));
    });
}

TEST_F(LifeTest, MarksStayWhileTheInstanceExists) {
    inside([&] {
        start();
        const auto before = *tables().config.get(kOnly).value();
        EXPECT_NE(before.mark_replay, 0U);
        EXPECT_NE(before.mark_refuse, 0U);
        EXPECT_NE(before.mark_replay, before.mark_refuse);
        Settings settings;
        settings.drain = true;
        settings.event_rate = 3;
        ASSERT_TRUE(backend().configure(settings));
        start();
        const auto after = *tables().config.get(kOnly).value();
        EXPECT_EQ(after.mark_replay, before.mark_replay);
        EXPECT_EQ(after.mark_refuse, before.mark_refuse);
        EXPECT_EQ(after.event_rate, 3U);
        EXPECT_EQ(after.flags, static_cast<unsigned>(DF_CONFIG_DRAIN));
        ASSERT_TRUE(backend().remove());
        start();
        EXPECT_NE(tables().config.get(kOnly).value()->mark_replay, before.mark_replay);
    });
}

/// Of the calling thread alone, which must end after it.
void keep_capabilities(std::initializer_list<int> kept) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    for (const int capability : kept) {
        auto& half = data.at(static_cast<std::size_t>(capability) / 32);
        half.effective |= 1U << (capability % 32);
        half.permitted = half.effective;
    }
    if (syscall(SYS_capset, &header, data.data()) != 0) {
        support::throw_errno("give up capabilities");
    }
}

TEST_F(LifeTest, FourCapabilitiesAreEnough) {
    const unsigned ifindex = add_interface("pod0");
    for (const auto mode : modes()) {
        options().attach = mode;
        inside([&] {
            keep_capabilities({CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_NET_RAW});
            ASSERT_TRUE(start().apply(model::plan({}, attached_rules(ifindex))));
            start();
            const auto dumped = backend().dump();
            ASSERT_TRUE(dumped) << dumped.error().text();
            EXPECT_EQ(*dumped, attached_rules(ifindex));
            EXPECT_TRUE(backend().counters());
            EXPECT_TRUE(backend().sweep());
            HeldPacket packet;
            packet.ifindex = ifindex;
            packet.frame.resize(60);
            const auto sent = backend().replay(packet, ReplayAction::kJudge);
            EXPECT_TRUE(sent) << sent.error().text();
            const auto removed = backend().remove();
            EXPECT_TRUE(removed) << removed.error().text();
            stop();
        });
    }
}

TEST_F(LifeTest, EachOfTheFourIsNeeded) {
    for (const int missing : {CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_NET_RAW}) {
        inside([&] {
            const auto unless = [missing](int capability) {
                return capability == missing ? CAP_KILL : capability;  // one that does not matter
            };
            keep_capabilities(
                {unless(CAP_BPF), unless(CAP_NET_ADMIN), unless(CAP_PERFMON), unless(CAP_NET_RAW)});
            EXPECT_FALSE(create(options())) << "without capability " << missing;
            const auto probed = probe_node(options());
            const auto rights = std::ranges::find(probed, "capabilities", &Capability::name);
            ASSERT_NE(rights, probed.end());
            EXPECT_FALSE(rights->available);
        });
    }
}

TEST_F(LifeTest, ProbeTellsWhatIsMissingAndHowToMendIt) {
    inside([&] {
        const auto find = [](const std::vector<Capability>& list, const std::string& name) {
            const auto found = std::ranges::find(list, name, &Capability::name);
            EXPECT_NE(found, list.end()) << name;
            return found == list.end() ? Capability{} : *found;
        };
        netns().sysctl({{"ipv4/ip_forward", "0"}, {"ipv4/conf/all/rp_filter", "1"}});
        auto list = probe_node(options());
        std::set<std::string> names;
        for (const auto& each : list) {
            EXPECT_TRUE(names.insert(each.name).second) << each.name << " is there twice";
            EXPECT_EQ(each.advice.empty(), each.available) << each.name;
            EXPECT_FALSE(each.detail.empty()) << each.name;
        }
        EXPECT_FALSE(find(list, "ip_forward").available);
        EXPECT_EQ(find(list, "ip_forward").advice, "sysctl net.ipv4.ip_forward=1");
        EXPECT_FALSE(find(list, "rp_filter").available);
        for (const char* name : {"kernel", "bpf_load", "capabilities", "ring_buffer"}) {
            EXPECT_TRUE(find(list, name).available) << name;
        }
        EXPECT_EQ(find(list, "tcx").available, tcx::available());
        netns().sysctl({{"ipv4/ip_forward", "1"}, {"ipv4/conf/all/rp_filter", "2"}});
        list = probe_node(options());
        EXPECT_TRUE(find(list, "ip_forward").available);
        EXPECT_TRUE(find(list, "rp_filter").available);
        options().bpffs = "/tmp";
        EXPECT_FALSE(find(probe_node(options()), "bpffs").available);
        options().bpffs = Options().bpffs;
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
