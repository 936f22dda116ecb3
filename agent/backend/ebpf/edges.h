// SPDX-License-Identifier: Apache-2.0
// Which pairs may call (tables `allow` and `edge`). The edge number outlives the process, its
// generation ends connections the moment the edge is revoked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/ids.h"
#include "agent/backend/ebpf/tables.h"

namespace directfaas::backend::ebpf {

class Edges {
   public:
    /// Knows nobody; see load().
    explicit Edges(const Tables& tables) : tables_(&tables), ids_(1, tables.edge.capacity()) {}

    /// Identities by number, caller first.
    using Pair = std::pair<std::uint32_t, std::uint32_t>;
    struct Edge {
        Pair pair;
        std::uint32_t id = 0;
        std::uint32_t gen = 0;
    };

    /// Reads back what an earlier process left and finishes what it left half done.
    static util::Result<Edges> load(const Tables& tables, const Identities& identities);

    util::Result<void> allow(const model::AllowKey& key, const Identities& identities);
    /// No error if the pair is not allowed anyway.
    util::Result<void> revoke(const model::AllowKey& key, const Identities& identities);

    [[nodiscard]] std::optional<Edge> find(const model::AllowKey& key,
                                           const Identities& identities) const;
    [[nodiscard]] std::vector<Edge> all() const;
    [[nodiscard]] std::uint32_t in_use() const { return ids_.in_use(); }

    /// The pairs as the kernel has them.
    [[nodiscard]] util::Result<std::set<model::AllowKey>> dump(const Identities& identities) const;

   private:
    util::Result<void> load_pairs(const Identities& identities);
    util::Result<void> load_ids();
    util::Result<void> end(const Edge& edge) const;

    const Tables* tables_;
    Ids ids_;
    std::map<Pair, Edge> edges_;
};

}  // namespace directfaas::backend::ebpf
