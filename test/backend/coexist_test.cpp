// SPDX-License-Identifier: Apache-2.0
// Beside programs of others, and after settings or mounts have changed under our own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/tcx.h"
#include "test/backend/attach_fixture.h"

namespace directfaas::backend::ebpf {
namespace {

class CoexistTest : public MechanismTest {};

INSTANTIATE_TEST_SUITE_P(Mechanism, CoexistTest,
                         ::testing::Values(AttachMode::kTcx, AttachMode::kClsact), mechanism_name);

TEST_P(CoexistTest, ProgramsOfOthersStay) {
    const unsigned ifindex = add_interface("pod0");
    inside([&] {
        const auto program = program_of_others();
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
        EXPECT_THAT(foreign->detail, testing::HasSubstr("pod0: tc filter pref 10 bpf of_others"));
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
        const auto program = program_of_others();
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
