// SPDX-License-Identifier: Apache-2.0
// Table `local_addr`: which addresses belong to pods that are attached on this node.
#pragma once

#include <map>
#include <set>
#include <span>
#include <vector>

#include "agent/backend/ebpf/tables.h"

namespace directfaas::backend::ebpf {

class LocalAddresses {
   public:
    explicit LocalAddresses(const Tables& tables) : tables_(&tables) {}

    /// Reads what an earlier process left, and takes out the addresses of interfaces that are not
    /// among `attached`.
    util::Result<void> load(const std::set<unsigned>& attached);
    /// From now on the pod behind the interface has exactly these addresses.
    util::Result<void> set(unsigned ifindex, std::span<const df_addr> addresses);
    /// The interface is no pod's any more. An address that another interface has meanwhile stays.
    util::Result<void> forget(unsigned ifindex) { return set(ifindex, {}); }

   private:
    const Tables* tables_;
    std::map<unsigned, std::vector<df_addr>> known_;  // by ifindex
};

}  // namespace directfaas::backend::ebpf
