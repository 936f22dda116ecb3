// SPDX-License-Identifier: Apache-2.0
// What this node can do. Asked of the kernel by trying, not inferred from its version.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "agent/backend/ebpf/attach.h"
#include "agent/backend/ebpf/bypass.h"
#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/libbpf_log.h"
#include "agent/backend/ebpf/objects.h"
#include "agent/backend/ebpf/pins.h"
#include "agent/backend/ebpf/rights.h"
#include "agent/backend/ebpf/tcx.h"

namespace directfaas::backend::ebpf {
namespace {

using util::UniqueFd;

std::optional<std::string> first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    return std::getline(file, line) ? std::optional(line) : std::nullopt;
}

Capability fine(std::string name, bool required, std::string detail) {
    return {std::move(name), true, required, std::move(detail), {}};
}

Capability kernel() {
    utsname name{};
    uname(&name);
    int major = 0;
    int minor = 0;
    const bool parsed = std::sscanf(name.release, "%d.%d", &major, &minor) == 2;
    Capability result = fine("kernel", true, name.release);
    if (!parsed || major < 5 || (major == 5 && minor < 10)) {
        result.available = false;
        result.advice = "the switch needs Linux 5.10 or later";
    }
    return result;
}

Capability btf() {
    const bool there = std::ifstream("/sys/kernel/btf/vmlinux").good();
    return fine("btf", false,
                there ? "the kernel has type information" : "none; the programs do not need it");
}

/// Loads the smallest program: shows at once whether loading works and whether it is compiled.
std::vector<Capability> loading() {
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    const std::array<bpf_insn, 2> code{{
        {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    }};
    const UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "df_probe", "GPL", code.data(),
                                         code.size(), &options));
    const int code_of_failure = errno;
    if (!program.valid()) {
        return {
            {"bpf_load", false, true,
             fmt::format("loading a program failed: {}", std::strerror(code_of_failure)),
             "run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; check kernel lockdown "
             "(/sys/kernel/security/lockdown)"}};
    }
    bpf_prog_info info{};
    std::uint32_t length = sizeof(info);
    const bool asked = bpf_obj_get_info_by_fd(program.get(), &info, &length) == 0;
    Capability jit = fine("jit", false, "programs are compiled to machine code");
    if (asked && info.jited_prog_len == 0) {
        jit.available = false;
        jit.detail = "programs are interpreted, several times slower";
        jit.advice = "sysctl net.core.bpf_jit_enable=1";
    }
    return {fine("bpf_load", true, "programs can be loaded"), jit};
}

Capability bpffs(const Options& options) {
    if (is_bpffs(options.bpffs)) {
        return fine("bpffs", true, "mounted at " + options.bpffs);
    }
    return {
        "bpffs", false, true, options.bpffs + " is not a bpf file system",
        fmt::format("mount -t bpf bpf {0} (the agent tries it at start; on Kubernetes the chart "
                    "does it with mountBpffs=true)",
                    options.bpffs)};
}

Capability unprivileged() {
    const auto value = first_line("/proc/sys/kernel/unprivileged_bpf_disabled");
    if (!value || *value != "0") {
        return fine("unprivileged_bpf", false, "disabled for unprivileged users");
    }
    return {"unprivileged_bpf", false, false, "unprivileged users may load programs",
            "sysctl kernel.unprivileged_bpf_disabled=2, unless something needs it"};
}

Capability rights() {
    const std::string missing = missing_capabilities();
    return missing.empty() ? fine("capabilities", true, "this process has all it needs")
                           : Capability{"capabilities", false, true, "missing: " + missing,
                                        "run as root, or with AmbientCapabilities= in the systemd "
                                        "unit"};
}

std::vector<Capability> features() {
    LibbpfLog quiet;
    std::vector<Capability> list;
    list.push_back(tcx::available()
                       ? fine("tcx", false, "programs are attached by tcx links")
                       : Capability{"tcx", false, false,
                                    "none (it came with 6.6); programs are attached as filters of "
                                    "a clsact qdisc",
                                    "nothing has to be done; modules sch_ingress and cls_bpf are "
                                    "needed"});
    list.push_back(has_coarse_clock()
                       ? fine("coarse_clock", false, "programs read the coarse clock")
                       : Capability{"coarse_clock", false, false,
                                    "none (it came with 5.11); programs read the precise clock, a "
                                    "little slower",
                                    "nothing has to be done"});
    const bool ring = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr) == 1;
    list.push_back(ring ? fine("ring_buffer", true, "events and held packets have their buffers")
                        : Capability{"ring_buffer", false, true, "no ring buffers",
                                     "the switch needs Linux 5.10 or later"});
    return list;
}

Capability foreign_programs(const Options& options) {
    const Pins pins = Pins::describe(options.bpffs, options.instance);
    const Attacher attacher(pins, Mechanism::kTcx,
                            {filter_handle(options.instance), options.tc_priority});
    std::string found;
    const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> interfaces(
        ::if_nameindex(), if_freenameindex);
    for (const auto* entry = interfaces.get(); entry != nullptr && entry->if_index != 0; ++entry) {
        if (!attacher.attached(entry->if_index, Hook::kIngress)) {
            continue;
        }
        for (const auto& program : attacher.foreign(entry->if_index)) {
            found += fmt::format("{}{}: {}, {} ours", found.empty() ? "" : "; ", entry->if_name,
                                 program.description, program.first ? "before" : "after");
        }
    }
    if (found.empty()) {
        return fine("foreign_programs", false, "none on the attached interfaces");
    }
    return {"foreign_programs", false, false, found,
            "make sure that they do not redirect into pods past the switch, and that those before "
            "it pass on what they do not handle"};
}

Capability socket_balancing(const Options& options) {
    const auto count = connect_programs(options.cgroup);
    if (count == 0) {
        return fine("socket_balancing", false, "no program decides where sockets connect to");
    }
    return {"socket_balancing", false, false,
            fmt::format("{} programs decide where sockets connect to", count),
            "what balances Services there hides their vIPs: limit it to the host (Cilium: "
            "socketLB.hostNamespaceOnly=true)"};
}

Capability rp_filter() {
    std::string strict;
    for (const char* where : {"all", "default"}) {
        if (first_line(fmt::format("/proc/sys/net/ipv4/conf/{}/rp_filter", where)) == "1") {
            strict += std::string(strict.empty() ? "" : ", ") + where;
        }
    }
    if (strict.empty()) {
        return fine("rp_filter", false, "not strict");
    }
    return {"rp_filter", false, false, "strict for " + strict,
            "fine while the route to each pod leads through its own interface; otherwise sysctl "
            "net.ipv4.conf.all.rp_filter=2 (loose)"};
}

Capability forwarding(const char* name, const char* key, bool required) {
    std::string path = fmt::format("/proc/sys/{}", key);
    std::ranges::replace(path, '.', '/');
    const auto value = first_line(path);
    if (value == "1") {
        return fine(name, required, fmt::format("{} = 1", key));
    }
    return {name, false, required, fmt::format("{} = {}", key, value.value_or("absent")),
            fmt::format("sysctl {}=1", key)};
}

}  // namespace

std::vector<Capability> probe_node(const Options& options) {
    route_libbpf_messages();
    std::vector<Capability> list{kernel(), btf()};
    const auto append = [&list](std::vector<Capability> more) {
        list.insert(list.end(), more.begin(), more.end());
    };
    append(loading());
    append({bpffs(options), unprivileged(), rights()});
    append(features());
    append({foreign_programs(options), socket_balancing(options), rp_filter(),
            forwarding("ip_forward", "net.ipv4.ip_forward", true),
            forwarding("ipv6_forwarding", "net.ipv6.conf.all.forwarding", false)});
    return list;
}

}  // namespace directfaas::backend::ebpf
