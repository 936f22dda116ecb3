// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/bypass.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "lib/util/unique_fd.h"

namespace directfaas::backend::ebpf {
namespace {

/// Where programs loaded by iproute2's rules keep their maps, Cilium's and Calico's among them.
constexpr const char* kGlobals = "/tc/globals";

bool has_file(const std::string& folder, std::string_view prefix) {
    std::error_code error;
    const std::filesystem::directory_iterator files(folder, error);
    return !error && std::any_of(begin(files), end(files), [&](const auto& file) {
        return file.path().filename().string().starts_with(prefix);
    });
}

unsigned connect_programs(const std::string& cgroup, bpf_attach_type type) {
    const util::UniqueFd folder(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::uint32_t count = 0;
    const bool known = folder.valid() && bpf_prog_query(folder.get(), type, BPF_F_QUERY_EFFECTIVE,
                                                        nullptr, nullptr, &count) == 0;
    return known ? count : 0;
}

}  // namespace

unsigned connect_programs(const std::string& cgroup) {
    unsigned most = 0;
    for (const auto& folder : {cgroup, cgroup + "/unified"}) {
        for (const auto type : {BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT}) {
            most = std::max(most, connect_programs(folder, type));
        }
    }
    return most;
}

std::vector<std::string> find_bypasses(const std::string& bpffs, const std::string& cgroup,
                                       bool others_on_pods) {
    std::vector<std::string> found;
    if (others_on_pods && has_file(bpffs + kGlobals, "cilium_")) {
        found.emplace_back(
            "Cilium's programs are on the pods' interfaces; with BPF host routing they put packets "
            "into pods past the switch. Set bpf.hostLegacyRouting=true in Cilium, then "
            "--bypass=accept here");
    }
    if (others_on_pods && has_file(bpffs + kGlobals, "cali_")) {
        found.emplace_back(
            "Calico's eBPF data plane is on the pods' interfaces and puts packets into pods past "
            "the switch. Set bpfEnabled=false in FelixConfiguration default, with kube-proxy "
            "running");
    }
    if (const auto count = connect_programs(cgroup); count > 0) {
        found.push_back(fmt::format(
            "{} program{} of this node's control groups decide where sockets connect to; one that "
            "balances Services there hides their vIPs from the switch. Limit it to the host "
            "(Cilium: socketLB.hostNamespaceOnly=true), then --bypass=accept here",
            count, count == 1 ? "" : "s"));
    }
    return found;
}

void BypassWatch::look(const std::string& bpffs, const std::string& cgroup, bool others_on_pods) {
    const auto now = Clock::now();
    if (now - looked_ >= kPeriod) {
        looked_ = now;
        found_ = find_bypasses(bpffs, cgroup, others_on_pods);
    }
}

}  // namespace directfaas::backend::ebpf
