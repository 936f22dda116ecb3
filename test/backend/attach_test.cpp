// SPDX-License-Identifier: Apache-2.0
// One pair of programs on each interface, no matter what came before: both mechanisms.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>

#include <array>
#include <filesystem>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/pins.h"
#include "agent/backend/ebpf/tcx.h"
#include "test/backend/fixture.h"

namespace directfaas::backend::ebpf {
namespace {

const model::ObjectName kPod{"shop", "caller-1"};
constexpr std::array<Hook, 2> kHooks{Hook::kIngress, Hook::kEgress};

/// Program ids on a hook by either mechanism, in the order of running.
std::vector<std::uint32_t> programs_on(unsigned ifindex, Hook hook) {
    std::vector<std::uint32_t> ids;
    for (const auto& running : tcx::running(ifindex, hook)) {
        ids.push_back(running.program_id);
    }
    for (const auto& filter : clsact::filters(ifindex, hook)) {
        ids.push_back(filter.program_id);
    }
    return ids;
}

/// A program of somebody else: passes everything on.
util::UniqueFd foreign_program() {
    const std::array<bpf_insn, 2> code{{
        {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    }};
    util::UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", code.data(),
                                         code.size(), nullptr));
    if (!program.valid()) {
        support::throw_errno("load a program");
    }
    return program;
}

class AttachBase : public BackendTest {
   protected:
    static model::RuleSet attached(unsigned ifindex, const model::ObjectName& pod = kPod) {
        auto rules = small_rules();
        rules.attachments[pod] = {function("caller"), ifindex, {ip("10.1.0.1")}, false};
        return rules;
    }
    void expect_one_pair(unsigned ifindex) {
        for (const Hook hook : kHooks) {
            EXPECT_EQ(programs_on(ifindex, hook).size(), 1U)
                << (hook == Hook::kIngress ? "ingress" : "egress");
        }
    }
    void expect_nothing(unsigned ifindex) {
        for (const Hook hook : kHooks) {
            EXPECT_TRUE(programs_on(ifindex, hook).empty());
        }
    }
    std::string qdiscs(const std::string& interface) {
        return output_of({"tc", "qdisc", "show", "dev", interface}, netns());
    }
};

class AttachTest : public AttachBase, public ::testing::WithParamInterface<AttachMode> {
   protected:
    AttachTest() { options().attach = GetParam(); }
    void SetUp() override {
        if (GetParam() == AttachMode::kTcx && !tcx::available()) {
            GTEST_SKIP() << "this kernel has no tcx (6.6)";
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Mechanism, AttachTest,
                         ::testing::Values(AttachMode::kTcx, AttachMode::kClsact),
                         [](const auto& mode) {
                             return mode.param == AttachMode::kTcx ? "tcx" : "clsact";
                         });

TEST_P(AttachTest, AttachingTwiceIsAttachingOnce) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        start();
        apply(attached(ifindex));
        expect_one_pair(ifindex);
        model::RuleDelta again;
        again.attachments = attached(ifindex).attachments;
        ASSERT_TRUE(backend().apply(again));
        expect_one_pair(ifindex);
        expect_dump(attached(ifindex));
    });
}

TEST_P(AttachTest, ANewProcessReplacesTheProgramsInPlace) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        start();
        apply(attached(ifindex));
        const auto old_ingress = programs_on(ifindex, Hook::kIngress);
        const auto links = tcx::running(ifindex, Hook::kIngress);
        stop();
        EXPECT_EQ(programs_on(ifindex, Hook::kIngress), old_ingress);  // exit detaches nothing
        start();
        expect_one_pair(ifindex);
        EXPECT_NE(programs_on(ifindex, Hook::kIngress), old_ingress);
        if (GetParam() == AttachMode::kTcx) {
            ASSERT_EQ(links.size(), 1U);
            EXPECT_EQ(tcx::running(ifindex, Hook::kIngress).front().link_id, links.front().link_id);
        }
        expect_dump(attached(ifindex));
    });
}

TEST_P(AttachTest, DetachingLeavesTheInterfaceAsItWas) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        const auto before = qdiscs("pod0");
        start();
        apply(attached(ifindex));
        apply(small_rules());
        expect_nothing(ifindex);
        EXPECT_EQ(qdiscs("pod0"), before);
        apply(attached(ifindex));
        expect_one_pair(ifindex);
        ASSERT_TRUE(backend().remove());
        expect_nothing(ifindex);
        EXPECT_EQ(qdiscs("pod0"), before);
    });
}

TEST_P(AttachTest, AnInterfaceThatHasVanishedFailsNobodyElse) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        start();
        auto rules = attached(ifindex);
        rules.attachments[{"shop", "vanished"}] = {
            function("callee"), ifindex + 1000, {ip("10.1.0.2")}, true};
        const auto applied = backend().apply(model::plan({}, rules));
        EXPECT_TRUE(applied) << applied.error().text();
        expect_one_pair(ifindex);
        expect_dump(attached(ifindex));
    });
}

TEST_P(AttachTest, AnInterfaceThatIsDeletedIsNotAttachedAnyMore) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        start();
        apply(attached(ifindex));
        remove_interface("pod0");
        expect_dump(small_rules());
        apply(small_rules());  // the detach that follows finds nothing, and that is fine
        start();
        expect_dump(small_rules());
        EXPECT_TRUE(
            Pins::describe(options().bpffs, options().instance).linked_interfaces().size() <=
            1);  // the agent's own
    });
}

TEST_P(AttachTest, ANewProcessForgetsWhatWasDeletedMeanwhile) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        start();
        apply(attached(ifindex));
        stop();
        remove_interface("pod0");
        start();
        expect_dump(small_rules());
        const auto open = tables();
        EXPECT_EQ(open.veth.get(ifindex).value(), std::nullopt);
        EXPECT_EQ(open.pod_name.get(ifindex).value().has_value(), false);
    });
}

TEST_P(AttachTest, AReusedNumberBelongsToTheNewPod) {
    const unsigned ifindex = add_interface("pod0", 77);
    ASSERT_EQ(ifindex, 77U);
    inside([&] {
        start();
        apply(attached(ifindex));
        remove_interface("pod0");
        ASSERT_EQ(add_interface("pod1", 77), 77U);
        // One delta, as the model makes it when both events come at once: the new pod's attachment
        // is applied before the old one's removal.
        const auto rules = attached(ifindex, {"shop", "caller-2"});
        apply(rules);
        expect_one_pair(ifindex);
        expect_dump(rules);
        start();
        expect_dump(rules);
    });
}

TEST_P(AttachTest, ConnectionsOfTheOldPodAreForgottenWithIt) {
    const unsigned ifindex = add_interface("pod0");
    const unsigned other = add_interface("pod1");
    inside([&] {
        start();
        auto rules = attached(ifindex);
        rules.attachments[{"shop", "other"}] = {function("callee"), other, {ip("10.1.0.2")}, true};
        apply(rules);
        const auto open = tables();
        df_ct_key mine{};
        mine.ifindex = ifindex;
        df_ct_key others{};
        others.ifindex = other;
        const auto entry = df_ct{};
        ASSERT_TRUE(open.ct.put(mine, entry));
        ASSERT_TRUE(open.ct.put(others, entry));
        rules.attachments.erase(kPod);
        rules.attachments[{"shop", "next"}] = {function("callee"), ifindex, {ip("10.1.0.3")}, true};
        apply(rules);
        EXPECT_FALSE(open.ct.get(mine).value().has_value());
        EXPECT_TRUE(open.ct.get(others).value().has_value());
        // The same when it is detached first and the number comes back later.
        ASSERT_TRUE(open.ct.put(mine, entry));
        rules.attachments.erase({"shop", "next"});
        apply(rules);
        rules.attachments[{"shop", "last"}] = {function("callee"), ifindex, {ip("10.1.0.3")}, true};
        apply(rules);
        EXPECT_FALSE(open.ct.get(mine).value().has_value());
        // And when the process ends in between.
        ASSERT_TRUE(open.ct.put(mine, entry));
        rules.attachments.erase({"shop", "last"});
        apply(rules);
        start();
        EXPECT_FALSE(open.ct.get(mine).value().has_value());
        EXPECT_TRUE(open.ct.get(others).value().has_value());
    });
}

TEST_P(AttachTest, ProgramsOfOthersStay) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        const auto program = foreign_program();
        clsact::Place place{7, 10};
        ASSERT_TRUE(clsact::add_qdisc(ifindex));
        ASSERT_TRUE(clsact::attach(program.get(), ifindex, Hook::kIngress, place));
        ASSERT_TRUE(clsact::attach(program.get(), ifindex, Hook::kEgress, place));
        start();
        apply(attached(ifindex));
        for (const Hook hook : kHooks) {
            EXPECT_EQ(programs_on(ifindex, hook).size(), 2U);
        }
        const auto capabilities = backend().probe();
        const auto foreign = std::ranges::find(capabilities, "foreign_programs", &Capability::name);
        ASSERT_NE(foreign, capabilities.end());
        EXPECT_FALSE(foreign->available);
        EXPECT_THAT(foreign->detail, testing::HasSubstr("pod0: tc filter pref 10 bpf foreign"));
        apply(small_rules());
        for (const Hook hook : kHooks) {
            ASSERT_EQ(clsact::filters(ifindex, hook).size(), 1U);
            EXPECT_EQ(clsact::filters(ifindex, hook).front().handle, place.handle);
        }
        ASSERT_TRUE(backend().remove());
        EXPECT_EQ(clsact::filters(ifindex, Hook::kIngress).size(), 1U);
    });
}

class TcxTest : public AttachBase {
   protected:
    void SetUp() override {
        if (!tcx::available()) {
            GTEST_SKIP() << "this kernel has no tcx (6.6)";
        }
    }
};

TEST_F(TcxTest, OurProgramIsFirstInAndLastOut) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        options().attach = AttachMode::kTcx;
        const auto program = foreign_program();
        const auto before_in = tcx::attach(program.get(), ifindex, Hook::kIngress);
        const auto before_out = tcx::attach(program.get(), ifindex, Hook::kEgress);
        ASSERT_TRUE(before_in && before_out);
        const auto foreign = programs_on(ifindex, Hook::kIngress).front();
        start();
        apply(attached(ifindex));
        const auto ingress = programs_on(ifindex, Hook::kIngress);
        const auto egress = programs_on(ifindex, Hook::kEgress);
        ASSERT_EQ(ingress.size(), 2U);
        ASSERT_EQ(egress.size(), 2U);
        EXPECT_EQ(ingress.back(), foreign);
        EXPECT_EQ(egress.front(), foreign);
    });
}

TEST_F(TcxTest, AnotherMechanismTakesOverWithoutDuplicates) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        for (const auto mode : {AttachMode::kClsact, AttachMode::kTcx, AttachMode::kClsact}) {
            options().attach = mode;
            start();
            apply(attached(ifindex));
            expect_one_pair(ifindex);
            EXPECT_EQ(tcx::running(ifindex, Hook::kIngress).size(),
                      mode == AttachMode::kTcx ? 1U : 0U);
            expect_dump(attached(ifindex));
        }
    });
}

TEST_F(AttachBase, AnotherPriorityTakesOverWithoutDuplicates) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        options().attach = AttachMode::kClsact;
        for (const unsigned priority : {1U, 50U, 2U}) {
            options().tc_priority = priority;
            start();
            apply(attached(ifindex));
            for (const Hook hook : kHooks) {
                const auto filters = clsact::filters(ifindex, hook);
                ASSERT_EQ(filters.size(), 1U);
                EXPECT_EQ(filters.front().priority, priority);
            }
        }
    });
}

/// A folder to mount on, empty again when the test is over.
class MountPoint {
   public:
    explicit MountPoint(std::filesystem::path path) : path_(std::move(path)) {
        std::filesystem::create_directories(path_);
    }
    MountPoint(const MountPoint&) = delete;
    MountPoint& operator=(const MountPoint&) = delete;
    ~MountPoint() {
        while (umount2(path_.c_str(), MNT_DETACH) == 0) {
        }
        std::filesystem::remove(path_);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

   private:
    std::filesystem::path path_;
};

/// bpffs is mounted anew over the old one: the pins are out of reach, the programs still run.
TEST_F(TcxTest, LostPinsLeaveNoSecondProgram) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        const MountPoint folder("/tmp/" + options().instance + "-bpffs");
        options().bpffs = folder.path();
        start();  // mounts it
        apply(attached(ifindex));
        stop();
        ASSERT_EQ(mount("bpf", folder.path().c_str(), "bpf", 0, nullptr), 0);
        start();
        const auto applied = backend().apply(model::plan({}, attached(ifindex)));
        EXPECT_TRUE(applied) << applied.error().text();
        expect_one_pair(ifindex);
        EXPECT_TRUE(backend().remove());
        stop();
        expect_nothing(ifindex);
    });
    options().bpffs = Options().bpffs;
}

}  // namespace
}  // namespace directfaas::backend::ebpf
