// SPDX-License-Identifier: Apache-2.0
// What may go past the switch is noticed: programs of a CNI on a pod's interface, and programs that
// choose where sockets connect to.
#include "agent/backend/ebpf/bypass.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "agent/backend/ebpf/clsact.h"
#include "test/backend/attach_fixture.h"
#include "test/support/wait.h"

namespace directfaas::backend::ebpf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A control group of the test's own, with nothing in it. Gone at the end, with its programs.
class ControlGroup {
   public:
    explicit ControlGroup(const std::string& name) : path_(root() + "/" + name) {
        std::filesystem::create_directory(path_);
    }
    ControlGroup(const ControlGroup&) = delete;
    ControlGroup& operator=(const ControlGroup&) = delete;
    ~ControlGroup() { std::filesystem::remove(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }
    void attach(int program) const {
        const util::UniqueFd folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (bpf_prog_attach(program, folder.get(), BPF_CGROUP_INET4_CONNECT, 0) != 0) {
            support::throw_errno("attach to " + path_);
        }
    }

   private:
    static std::string root() {
        const std::string folder = "/sys/fs/cgroup";
        return folder + (std::filesystem::exists(folder + "/unified") ? "/unified" : "");
    }

    std::string path_;
};

class BypassTest : public AttachBase {
   protected:
    /// As known when there are so many, or at the end of patience.
    std::vector<std::string> bypasses(std::size_t wanted) {
        static_cast<void>(support::wait_until([&] {
            EXPECT_TRUE(backend().sweep());
            return backend().bypasses().size() == wanted;
        }));
        return backend().bypasses();
    }
    /// Somebody else's program goes onto the interface.
    static void share(unsigned ifindex) {
        const auto program = program_of_others();
        ASSERT_TRUE(clsact::add_qdisc(ifindex));
        ASSERT_TRUE(clsact::attach(program.get(), ifindex, Hook::kIngress, {7, 10}));
    }
};

TEST_F(BypassTest, ProgramsThatChooseWhereSocketsConnectTo) {
    const ControlGroup above(options().instance);
    const ControlGroup group(options().instance + "/agent");
    options().cgroup = group.path();
    inside([&] {
        start();
        EXPECT_THAT(bypasses(0), IsEmpty());
        const auto program =
            program_of_others(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 1, BPF_CGROUP_INET4_CONNECT);
        above.attach(program.get());
        EXPECT_EQ(connect_programs(group.path()), 1U) << "those of the group above count";
        EXPECT_THAT(bypasses(1), ElementsAre(HasSubstr("1 program of")));
        const auto rows = backend().probe();
        const auto row = std::ranges::find(rows, "socket_balancing", &Capability::name);
        ASSERT_NE(row, rows.end());
        EXPECT_FALSE(row->available);
    });
}

TEST_F(BypassTest, ProgramsOfACniOnAPodsInterface) {
    const unsigned ifindex = add_interface("pod0");
    const ControlGroup group(options().instance);
    const MountPoint bpffs("/tmp/" + options().instance + "-bpffs");
    options().cgroup = group.path();
    options().bpffs = bpffs.path();
    inside([&] {
        start();  // mounts it
        const auto sign = [&](const char* name) {
            std::filesystem::create_directories(bpffs.path() / "tc/globals" / name);
        };
        sign("cilium_calls_1");
        apply(attached(ifindex));
        EXPECT_THAT(find_bypasses(bpffs.path(), group.path(), false), IsEmpty())
            << "it is on the node, but not on a pod of ours";
        share(ifindex);
        apply(small_rules());
        apply(attached(ifindex));
        EXPECT_THAT(bypasses(1), ElementsAre(HasSubstr("hostLegacyRouting")));
        sign("cali_v4_nat_fe");
        EXPECT_THAT(bypasses(2), ElementsAre(HasSubstr("Cilium"), HasSubstr("bpfEnabled=false")));
        EXPECT_TRUE(backend().remove());
        stop();
    });
    options().bpffs = Options().bpffs;
}

}  // namespace
}  // namespace directfaas::backend::ebpf
