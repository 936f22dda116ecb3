// SPDX-License-Identifier: Apache-2.0
// Pods of this node and the interfaces they are behind (tables `veth`, `pod_name`, `budget`, and
// the programs on the interfaces).
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "agent/backend/ebpf/attach.h"
#include "agent/backend/ebpf/fast_path.h"
#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/local_addresses.h"
#include "agent/backend/ebpf/objects.h"
#include "agent/backend/ebpf/tables.h"

namespace directfaas::backend::ebpf {

class Attachments {
   public:
    Attachments(const Tables& tables, Attacher& attacher, const Programs& programs,
                FastPath& fast_path)
        : tables_(&tables),
          attacher_(&attacher),
          programs_(&programs),
          fast_path_(&fast_path),
          local_(tables) {}

    /// Reads back what an earlier process left, puts this process's programs on the interfaces that
    /// still exist and drops the rest. `own_ifindex` is the agent's own interface. `anew`: where
    /// programs run that the tables do not explain, they are those of an agent with another layout
    /// and stay until rules say what becomes of the interface; dump() names them as attached.
    util::Result<void> load(const Pins& pins, const Identities& identities, unsigned own_ifindex,
                            bool anew);

    /// An interface that has just vanished is not an error: it is logged and not attached.
    util::Result<void> attach(const model::ObjectName& pod, const model::AttachRule& rule,
                              const Identities& identities);
    /// No error if the pod is not attached.
    util::Result<void> detach(const model::ObjectName& pod);
    /// Detaches every interface, as far as possible; returns the first error.
    util::Result<void> detach_all();

    [[nodiscard]] bool has(unsigned ifindex) const { return pods_.contains(ifindex); }
    [[nodiscard]] std::set<unsigned> interfaces() const;
    [[nodiscard]] std::size_t in_use() const { return pods_.size(); }

    /// Interfaces that were detached while the connection table may still know them. An attachment
    /// that reuses such a number clears the table of it first.
    [[nodiscard]] const std::set<unsigned>& stale() const { return stale_; }
    /// The sweep has removed every connection of these interfaces.
    void swept(const std::set<unsigned>& interfaces);

    /// The attachments as the kernel has them: with both programs on the interface.
    [[nodiscard]] util::Result<std::map<model::ObjectName, model::AttachRule>> dump(
        const Identities& identities) const;

   private:
    util::Result<void> make_way(const model::ObjectName& pod, unsigned ifindex,
                                const df_veth& wanted);
    util::Result<void> put_programs(const model::ObjectName& pod, unsigned ifindex);
    util::Result<void> release(unsigned ifindex);
    util::Result<void> adopt(unsigned ifindex, const df_pod_name& name);
    util::Result<void> settle_inherited(const model::ObjectName& pod, unsigned ifindex);
    util::Result<void> release_inherited(const model::ObjectName& pod);
    util::Result<void> forget_connections(const std::function<bool(unsigned)>& of) const;

    const Tables* tables_;
    Attacher* attacher_;
    const Programs* programs_;
    FastPath* fast_path_;
    LocalAddresses local_;
    std::map<unsigned, model::ObjectName> pods_;  // by ifindex
    std::map<model::ObjectName, unsigned> interfaces_;
    std::set<unsigned> stale_;
    std::map<unsigned, model::ObjectName> inherited_;  // run programs of another layout
};

}  // namespace directfaas::backend::ebpf
