// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/sysdump/collect.h"

namespace directfaas::cli {
namespace {

namespace fs = std::filesystem;

/// The content, or a line that says why there is none.
std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    if (file) {
        text << file.rdbuf();
    }
    return file ? limited(text.str())
                : fmt::format("not read: {}: {}\n", path, std::strerror(errno));
}

std::string first_line(const std::string& path) {
    const auto text = content_of(path);
    return text.substr(0, text.find('\n'));
}

/// The arguments of a process, one a line.
std::string command_line(std::uint64_t pid) {
    auto text = content_of(fmt::format("/proc/{}/cmdline", pid));
    std::ranges::replace(text, '\0', '\n');
    return text;
}

/// The file that --config names, or the one that is read without it.
std::string settings_path(const std::string& arguments) {
    std::istringstream lines(arguments);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("--config=")) {
            return line.substr(std::string_view("--config=").size());
        }
        if (line == "--config" && std::getline(lines, line)) {
            return line;
        }
    }
    return "/etc/directfaas/agent.toml";
}

std::string kernel() {
    utsname names{};
    ::uname(&names);
    std::string text = fmt::format("{} {} {} {}\n{} processors\n", names.sysname, names.release,
                                   names.version, names.machine, ::sysconf(_SC_NPROCESSORS_ONLN));
    for (const char* path :
         {"/proc/sys/kernel/unprivileged_bpf_disabled", "/proc/sys/net/core/bpf_jit_enable",
          "/proc/sys/net/core/bpf_jit_harden", "/proc/sys/net/ipv4/ip_forward",
          "/proc/sys/net/ipv4/conf/all/rp_filter", "/proc/sys/net/ipv6/conf/all/forwarding",
          "/proc/sys/net/netfilter/nf_conntrack_max", "/proc/sys/net/netfilter/nf_conntrack_count",
          "/sys/kernel/security/lsm", "/proc/uptime", "/proc/loadavg"}) {
        text += fmt::format("{} = {}\n", path, first_line(path));
    }
    std::error_code error;
    text += fmt::format("/sys/kernel/btf/vmlinux {}\n",
                        fs::exists("/sys/kernel/btf/vmlinux", error) ? "is there" : "is not there");
    return text + "\n" + content_of("/etc/os-release") + "\n" + content_of("/proc/meminfo");
}

/// Interfaces with their numbers, kinds of address and counters.
std::string interfaces() {
    std::string text;
    std::error_code error;
    std::vector<fs::path> found;
    for (auto entry = fs::directory_iterator("/sys/class/net", error);
         !error && entry != fs::directory_iterator(); entry.increment(error)) {
        found.push_back(entry->path());
    }
    std::ranges::sort(found);
    for (const auto& path : found) {
        text += fmt::format("{} ifindex {} peer {} mtu {} {} {}\n", path.filename().string(),
                            first_line(path / "ifindex"), first_line(path / "iflink"),
                            first_line(path / "mtu"), first_line(path / "operstate"),
                            first_line(path / "address"));
    }
    return text + "\n" + content_of("/proc/net/dev");
}

/// What is pinned, and what else lies on a bpf file system, by name.
std::string pins() {
    std::string text;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator("/sys/fs/bpf", error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        text += entry->path().string() + "\n";
    }
    return error ? fmt::format("{}not read: /sys/fs/bpf: {}\n", text, error.message()) : text;
}

std::string bpf_mounts() {
    std::istringstream lines(content_of("/proc/self/mounts"));
    std::string text;
    for (std::string line; std::getline(lines, line);) {
        if (line.contains(" bpf ") || line.contains(" cgroup2 ")) {
            text += line + "\n";
        }
    }
    return text;
}

}  // namespace

std::vector<DumpFile> host_files(std::uint64_t pid) {
    std::vector<DumpFile> files;
    const auto arguments = pid == 0 ? std::string("not read: no agent runs\n") : command_line(pid);
    files.push_back({"config/command-line.txt", "the agent's arguments, one a line",
                     without_secrets(arguments)});
    files.push_back({"config/agent.toml", "its settings: " + settings_path(arguments),
                     without_secrets(content_of(settings_path(arguments)))});
    if (pid != 0) {
        files.push_back({"agent/process.txt", "the agent's memory, threads and capabilities",
                         content_of(fmt::format("/proc/{}/status", pid))});
    }
    files.push_back({"host/kernel.txt", "kernel, its settings, distribution, memory", kernel()});
    files.push_back({"host/modules.txt", "modules of the kernel", content_of("/proc/modules")});
    files.push_back({"host/interfaces.txt", "interfaces and their counters", interfaces()});
    files.push_back({"host/pins.txt", "what is pinned in /sys/fs/bpf", pins()});
    files.push_back({"host/mounts.txt", "bpf and cgroup file systems", bpf_mounts()});
    return files;
}

}  // namespace directfaas::cli
