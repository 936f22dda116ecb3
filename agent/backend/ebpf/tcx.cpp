// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/tcx.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace directfaas::backend::ebpf::tcx {
namespace {

using util::fail_errno;
using util::Result;

// From linux/bpf.h of 6.6; older headers do not have them.
constexpr std::uint32_t kIngress = 46;
constexpr std::uint32_t kEgress = 47;
constexpr std::uint32_t kBefore = 1U << 3;

/// The part of union bpf_attr that BPF_PROG_QUERY uses, as of 6.6.
struct Query {
    std::uint32_t ifindex = 0;
    std::uint32_t attach_type = 0;
    std::uint32_t query_flags = 0;
    std::uint32_t attach_flags = 0;
    std::uint64_t program_ids = 0;
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
    std::uint64_t program_flags = 0;
    std::uint64_t link_ids = 0;
    std::uint64_t link_flags = 0;
    std::uint64_t revision = 0;
};

constexpr std::size_t kMostPrograms = 64;  // the kernel's own limit for one hook

}  // namespace

std::uint32_t attach_type(Hook hook) { return hook == Hook::kIngress ? kIngress : kEgress; }

bool available() {
    Query query;
    query.ifindex = if_nametoindex("lo");
    query.attach_type = kIngress;
    return query.ifindex != 0 && syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) == 0;
}

Result<util::UniqueFd> attach(int program, unsigned ifindex, Hook hook) {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = hook == Hook::kIngress ? kBefore : 0;
    const int link = bpf_link_create(program, static_cast<int>(ifindex),
                                     static_cast<bpf_attach_type>(attach_type(hook)), &options);
    if (link < 0) {
        return fail_errno(fmt::format("attaching to interface {} by tcx", ifindex), -link);
    }
    return util::UniqueFd(link);
}

Result<Link> describe(int link) {
    bpf_link_info info{};
    std::uint32_t length = sizeof(info);
    if (bpf_obj_get_info_by_fd(link, &info, &length) != 0) {
        return fail_errno("asking about a link");
    }
    // The tcx member of the union starts with the ifindex, as xdp's does.
    return Link{info.xdp.ifindex, info.id, info.prog_id};
}

std::vector<Running> running(unsigned ifindex, Hook hook) {
    std::array<std::uint32_t, kMostPrograms> programs{};
    std::array<std::uint32_t, kMostPrograms> links{};
    Query query;
    query.ifindex = ifindex;
    query.attach_type = attach_type(hook);
    query.program_ids = reinterpret_cast<std::uintptr_t>(programs.data());
    query.link_ids = reinterpret_cast<std::uintptr_t>(links.data());
    query.count = kMostPrograms;
    if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) != 0) {
        return {};
    }
    std::vector<Running> found;
    for (std::uint32_t i = 0; i < query.count && i < kMostPrograms; ++i) {
        found.push_back({programs.at(i), links.at(i)});
    }
    return found;
}

std::optional<std::string> program_name(std::uint32_t program_id) {
    const util::UniqueFd program(bpf_prog_get_fd_by_id(program_id));
    bpf_prog_info info{};
    std::uint32_t length = sizeof(info);
    if (!program.valid() || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) {
        return std::nullopt;
    }
    return std::string(info.name);
}

Result<void> detach(std::uint32_t link_id) {
    const util::UniqueFd link(bpf_link_get_fd_by_id(link_id));
    if (!link.valid() || bpf_link_detach(link.get()) != 0) {
        return fail_errno(fmt::format("detaching link {}", link_id));
    }
    return {};
}

}  // namespace directfaas::backend::ebpf::tcx
