// SPDX-License-Identifier: Apache-2.0
// Which interfaces may be passed by: packets on the fast path go from one pod's hook into the other
// pod, so nothing of others may sit on either interface. Looked at when a pod is attached, and now
// and then, as nobody announces a program.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "agent/backend/ebpf/attach.h"
#include "agent/backend/ebpf/routes.h"
#include "agent/backend/ebpf/tables.h"

namespace directfaas::backend::ebpf {

class FastPath {
   public:
    FastPath(const Tables& tables, const Attacher& attacher, Routes& routes)
        : tables_(&tables), attacher_(&attacher), routes_(&routes) {}

    /// Looks at an attached interface and lets the programs know. What cannot be found out means
    /// no; an error is one of the tables.
    util::Result<void> look(unsigned ifindex);
    /// Before the programs are taken away from the interface: connections go over to the stack.
    util::Result<void> forget(unsigned ifindex);
    /// Looks at one of `attached`, in turn, at most every kPeriod.
    util::Result<void> look_in_turn(const std::set<unsigned>& attached);

    /// Interfaces that may not be passed by, and what is in the way: "qdisc tbf".
    [[nodiscard]] const std::map<unsigned, std::string>& obstacles() const { return obstacles_; }
    /// Whether programs of others are on any of them.
    [[nodiscard]] bool meets_others() const { return !shared_.empty(); }

   private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kPeriod{100};

    util::Result<void> write(unsigned ifindex, const df_veth& before, const df_veth& entry);

    const Tables* tables_;
    const Attacher* attacher_;
    Routes* routes_;
    std::map<unsigned, std::string> obstacles_;
    std::set<unsigned> shared_;  // with programs of others
    unsigned last_ = 0;
    Clock::time_point looked_{};
};

}  // namespace directfaas::backend::ebpf
