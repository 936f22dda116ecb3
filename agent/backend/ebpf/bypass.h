// SPDX-License-Identifier: Apache-2.0
// What on this node is known to send packets past the hooks of the switch, or to hide vIPs from it:
// a CNI whose own programs put packets straight into pods, and programs that choose where a socket
// connects to. Others' programs cannot be read without CAP_SYS_ADMIN, so they are known by what
// they keep in the bpf file system, and by their number.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace directfaas::backend::ebpf {

/// One line each, with what to do. `others_on_pods`: programs of others are on interfaces of
/// attached pods. What cannot be read counts as not there.
std::vector<std::string> find_bypasses(const std::string& bpffs, const std::string& cgroup,
                                       bool others_on_pods);

/// How many programs decide where sockets of processes in `cgroup` connect to, those of the groups
/// above included: a folder of cgroup2, or one that has cgroup2 at `unified`. Needs CAP_NET_ADMIN;
/// 0 without it.
unsigned connect_programs(const std::string& cgroup);

/// Looks for them now and then.
class BypassWatch {
   public:
    /// As find_bypasses(), unless it was looked within kPeriod.
    void look(const std::string& bpffs, const std::string& cgroup, bool others_on_pods);
    [[nodiscard]] const std::vector<std::string>& found() const { return found_; }

   private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kPeriod{5};

    std::vector<std::string> found_;
    Clock::time_point looked_{};
};

}  // namespace directfaas::backend::ebpf
