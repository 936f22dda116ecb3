// SPDX-License-Identifier: Apache-2.0
// Who has which number (tables `fn` and `fn_port`). Numbers and with them all counters are read
// back from the kernel, so a restart changes none.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "agent/backend/ebpf/ids.h"
#include "agent/backend/ebpf/tables.h"
#include "lib/model/rules.h"

namespace directfaas::backend::ebpf {

class Identities {
   public:
    /// Knows nobody; see load().
    explicit Identities(const Tables& tables)
        : tables_(&tables), ids_(DF_IDENTITY_OUTSIDE + 1, tables.fn.capacity()) {}

    /// What the rest of the kernel's tables say instead of a name.
    struct Number {
        std::uint32_t id = DF_IDENTITY_OUTSIDE;
        std::uint32_t gen = 0;

        bool operator==(const Number&) const = default;
    };
    /// One identity as counters() needs it; the name stays valid after the identity has gone.
    struct Named {
        std::shared_ptr<const model::Identity> name;
        Number number;
    };

    /// Reads back what an earlier process left and finishes what it left half done.
    static util::Result<Identities> load(const Tables& tables);

    util::Result<void> set(const model::Identity& identity, const model::IdentityRule& rule);
    util::Result<void> remove(const std::set<model::Identity>& identities);

    /// Outside is number 0. Nothing for somebody unknown.
    [[nodiscard]] std::optional<Number> find(const model::Identity& identity) const;
    /// find(), or an error that names `identity`.
    [[nodiscard]] util::Result<Number> require(const model::Identity& identity) const;
    /// Outside for a number that is not given.
    [[nodiscard]] const model::Identity& name(std::uint32_t id) const;
    [[nodiscard]] std::vector<Named> all() const;
    [[nodiscard]] std::uint32_t in_use() const { return ids_.in_use(); }
    [[nodiscard]] std::size_t ports_in_use() const { return port_count_; }

    /// The rules as the kernel has them.
    [[nodiscard]] util::Result<std::map<model::Identity, model::IdentityRule>> dump() const;

   private:
    using Ports = std::map<model::PortProtocol, std::uint32_t>;  // to enum df_port_flags
    struct Entry {
        std::shared_ptr<const model::Identity> name;
        Number number;
        Ports ports;
    };

    util::Result<Entry*> add(const model::Identity& identity);
    util::Result<void> set_ports(Entry& entry, const model::IdentityRule& rule);
    util::Result<void> load_ports();
    util::Result<void> forget_denials(const std::set<std::uint32_t>& ids) const;

    const Tables* tables_;
    Ids ids_;
    std::map<model::Identity, Entry> entries_;
    std::unordered_map<std::uint32_t, Entry*> by_id_;  // nodes of entries_ do not move
    std::size_t port_count_ = 0;
};

}  // namespace directfaas::backend::ebpf
