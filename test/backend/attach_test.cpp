// SPDX-License-Identifier: Apache-2.0
// One pair of programs on each interface, no matter what came before: both mechanisms.
#include <gtest/gtest.h>

#include "agent/backend/ebpf/pins.h"
#include "agent/backend/ebpf/tcx.h"
#include "test/backend/attach_fixture.h"

namespace directfaas::backend::ebpf {
namespace {

class AttachTest : public MechanismTest {};

INSTANTIATE_TEST_SUITE_P(Mechanism, AttachTest,
                         ::testing::Values(AttachMode::kTcx, AttachMode::kClsact), mechanism_name);

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

}  // namespace
}  // namespace directfaas::backend::ebpf
