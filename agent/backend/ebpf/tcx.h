// SPDX-License-Identifier: Apache-2.0
// tcx links (kernel 6.6). libbpf 1.1 knows them only as numbers, so the few calls are here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/backend/ebpf/pins.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ebpf::tcx {

/// Value for bpf_program's expected attach type.
std::uint32_t attach_type(Hook hook);

/// Whether this kernel has tcx; asks without attaching anything.
bool available();

/// Ours is first on ingress, so that others see the instance's address, and last on egress, so that
/// the vIP is put back after them. ENODEV when there is no such interface.
util::Result<util::UniqueFd> attach(int program, unsigned ifindex, Hook hook);

struct Link {
    unsigned ifindex = 0;  // 0: the interface is gone
    std::uint32_t id = 0;
    std::uint32_t program_id = 0;
};
util::Result<Link> describe(int link);

/// A program that runs on a hook, in the order of running.
struct Running {
    std::uint32_t program_id = 0;
    std::uint32_t link_id = 0;  // 0: attached without a link
};
/// Empty where the kernel has no tcx.
std::vector<Running> running(unsigned ifindex, Hook hook);

/// The program's name. Needs CAP_SYS_ADMIN; nothing without it.
std::optional<std::string> program_name(std::uint32_t program_id);

/// Ends a link whoever made it. Needs CAP_SYS_ADMIN.
util::Result<void> detach(std::uint32_t link_id);

}  // namespace directfaas::backend::ebpf::tcx
