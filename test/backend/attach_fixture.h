// SPDX-License-Identifier: Apache-2.0
// Looks at what really runs on an interface, by either mechanism.
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/backend/ebpf/pins.h"
#include "lib/util/unique_fd.h"
#include "test/backend/fixture.h"

namespace directfaas::backend::ebpf {

inline const model::ObjectName kPod{"shop", "caller-1"};
inline constexpr std::array<Hook, 2> kHooks{Hook::kIngress, Hook::kEgress};

/// Program ids on a hook, in the order of running.
std::vector<std::uint32_t> programs_on(unsigned ifindex, Hook hook);

/// A program of somebody else, which ends with `verdict` at once: by default it passes everything
/// on.
util::UniqueFd program_of_others(bpf_prog_type type = BPF_PROG_TYPE_SCHED_CLS,
                                 int verdict = TC_ACT_UNSPEC,
                                 bpf_attach_type attach = bpf_attach_type{});

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

/// A folder to mount on, empty again when the test is over.
class MountPoint {
   public:
    explicit MountPoint(std::filesystem::path path);
    MountPoint(const MountPoint&) = delete;
    MountPoint& operator=(const MountPoint&) = delete;
    ~MountPoint();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

   private:
    std::filesystem::path path_;
};

/// The same tests with tcx and with clsact.
class MechanismTest : public AttachBase, public ::testing::WithParamInterface<AttachMode> {
   protected:
    MechanismTest() { options().attach = GetParam(); }
    void SetUp() override;
};

std::string mechanism_name(const ::testing::TestParamInfo<AttachMode>& mode);

}  // namespace directfaas::backend::ebpf
