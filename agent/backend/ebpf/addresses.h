// SPDX-License-Identifier: Apache-2.0
// Whose an address is (table `ip_id`): pods' addresses by rule, vIPs' on behalf of the routes.
#pragma once

#include <map>

#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/tables.h"

namespace directfaas::backend::ebpf {

class Addresses {
   public:
    /// Knows nobody; see load().
    explicit Addresses(const Tables& tables) : tables_(&tables) {}

    /// Reads back what an earlier process left and drops what belongs to nobody any more.
    static util::Result<Addresses> load(const Tables& tables, const Identities& identities);

    /// A pod's address wins over a vIP.
    util::Result<void> set_pod(const util::IpAddress& address, Identities::Number owner);
    util::Result<void> remove_pod(const util::IpAddress& address);
    util::Result<void> set_vip(const util::IpAddress& address, Identities::Number owner);
    util::Result<void> remove_vip(const util::IpAddress& address);
    /// Makes the vIPs exactly those of `wanted`.
    util::Result<void> restore_vips(const std::map<util::IpAddress, Identities::Number>& wanted);

    [[nodiscard]] std::size_t in_use() const { return count_; }

    /// The pods' addresses as the kernel has them.
    [[nodiscard]] util::Result<std::map<util::IpAddress, model::Identity>> dump(
        const Identities& identities) const;

   private:
    util::Result<void> put(const util::IpAddress& address, const df_ip_id& entry);
    util::Result<void> remove(const util::IpAddress& address, df_addr_kind kind);

    const Tables* tables_;
    std::size_t count_ = 0;
};

}  // namespace directfaas::backend::ebpf
