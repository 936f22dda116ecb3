// SPDX-License-Identifier: Apache-2.0
#include "test/backend/attach_fixture.h"

#include <bpf/bpf.h>
#include <sys/mount.h>

#include <utility>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/tcx.h"

namespace directfaas::backend::ebpf {

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

util::UniqueFd program_of_others(bpf_prog_type type, int verdict, bpf_attach_type attach) {
    const std::array<bpf_insn, 2> code{{
        {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    }};
    bpf_prog_load_opts options{};
    options.sz = sizeof(options);
    options.expected_attach_type = attach;
    util::UniqueFd program(
        bpf_prog_load(type, "of_others", "GPL", code.data(), code.size(), &options));
    if (!program.valid()) {
        support::throw_errno("load a program");
    }
    return program;
}

void MechanismTest::SetUp() {
    if (GetParam() == AttachMode::kTcx && !tcx::available()) {
        GTEST_SKIP() << "this kernel has no tcx (6.6)";
    }
}

std::string mechanism_name(const ::testing::TestParamInfo<AttachMode>& mode) {
    return mode.param == AttachMode::kTcx ? "tcx" : "clsact";
}

MountPoint::MountPoint(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
}

MountPoint::~MountPoint() {
    while (umount2(path_.c_str(), MNT_DETACH) == 0) {
    }
    std::filesystem::remove(path_);
}

}  // namespace directfaas::backend::ebpf
