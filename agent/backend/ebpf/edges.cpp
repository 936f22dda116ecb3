// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/edges.h"

#include <fmt/format.h>

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

std::string text(const model::AllowKey& key) {
    return fmt::format("{} → {}", key.from.text(), key.to.text());
}

bool known(std::uint32_t id, const Identities& identities) {
    return id == DF_IDENTITY_OUTSIDE || identities.name(id).kind != model::IdentityKind::kOutside;
}

}  // namespace

Result<Edges> Edges::load(const Tables& tables, const Identities& identities) {
    Edges loaded(tables);
    if (auto pairs = loaded.load_pairs(identities); !pairs) {
        return std::unexpected(pairs.error());
    }
    if (auto ids = loaded.load_ids(); !ids) {
        return std::unexpected(ids.error());
    }
    return loaded;
}

Result<void> Edges::load_pairs(const Identities& identities) {
    std::vector<df_allow_key> stale;
    auto read = tables_->allow.for_each([&](const df_allow_key& key, const df_allow& allow) {
        if (!known(key.from, identities) || !known(key.to, identities)) {
            stale.push_back(key);
            return;
        }
        const Pair pair{key.from, key.to};
        edges_[pair] = {pair, allow.edge, allow.gen};
    });
    for (const auto& key : stale) {
        if (auto erased = tables_->allow.erase(key); !erased) {
            return std::unexpected(erased.error());
        }
    }
    return read;
}

/// An edge is there only if both tables say so; what one of them lacks is taken back.
Result<void> Edges::load_ids() {
    std::vector<bool> used(tables_->edge.capacity());
    std::set<Pair> confirmed;
    std::vector<Edge> unfinished;
    auto read = tables_->edge.for_each([&](std::uint32_t id, const df_edge& entry) {
        if (entry.live == 0) {
            return;
        }
        const Pair pair{entry.from, entry.to};
        const auto edge = edges_.find(pair);
        if (edge != edges_.end() && edge->second.id == id && edge->second.gen == entry.gen) {
            confirmed.insert(pair);
            used[id] = true;
        } else {
            unfinished.push_back({pair, id, entry.gen});
        }
    });
    if (!read) {
        return read;
    }
    for (const auto& edge : unfinished) {
        if (auto ended = end(edge); !ended) {
            return ended;
        }
    }
    for (auto it = edges_.begin(); it != edges_.end();) {
        if (confirmed.contains(it->first)) {
            ++it;
            continue;
        }
        if (auto gone = tables_->allow.erase({it->first.first, it->first.second}); !gone) {
            return std::unexpected(gone.error());
        }
        it = edges_.erase(it);
    }
    ids_.restore(used);
    return {};
}

Result<void> Edges::allow(const model::AllowKey& key, const Identities& identities) {
    const auto from = identities.require(key.from);
    const auto to = identities.require(key.to);
    if (!from || !to) {
        return util::pass(from ? to.error() : from.error(), text(key));
    }
    const Pair pair{from->id, to->id};
    if (edges_.contains(pair)) {
        return {};
    }
    const auto id = ids_.take();
    if (!id) {
        return util::pass({0, full_message("edge", ids_.capacity())}, text(key));
    }
    const auto before = tables_->edge.get(*id);
    const std::uint32_t gen = before && *before ? (*before)->gen + 1 : 1;
    auto done = tables_->edge_stats.zero(*id);
    if (done) {
        done = tables_->edge.put(*id, {gen, 1, pair.first, pair.second});
    }
    if (done) {
        done = tables_->allow.put({pair.first, pair.second}, {*id, gen});
    }
    if (!done) {
        static_cast<void>(end({pair, *id, gen}));
        ids_.give_back(*id);
        return util::pass(done.error(), text(key));
    }
    edges_[pair] = {pair, *id, gen};
    return {};
}

/// From here on no packet of the edge's connections passes.
Result<void> Edges::end(const Edge& edge) const {
    return tables_->edge.put(edge.id, {edge.gen + 1, 0, edge.pair.first, edge.pair.second});
}

Result<void> Edges::revoke(const model::AllowKey& key, const Identities& identities) {
    const auto edge = find(key, identities);
    if (!edge) {
        return {};
    }
    if (auto gone = tables_->allow.erase({edge->pair.first, edge->pair.second}); !gone) {
        return util::pass(gone.error(), text(key));
    }
    if (auto ended = end(*edge); !ended) {
        return util::pass(ended.error(), text(key));
    }
    edges_.erase(edge->pair);
    ids_.give_back(edge->id);
    return {};
}

std::optional<Edges::Edge> Edges::find(const model::AllowKey& key,
                                       const Identities& identities) const {
    const auto from = identities.find(key.from);
    const auto to = identities.find(key.to);
    if (!from || !to) {
        return std::nullopt;
    }
    const auto edge = edges_.find({from->id, to->id});
    return edge == edges_.end() ? std::nullopt : std::optional(edge->second);
}

std::vector<Edges::Edge> Edges::all() const {
    std::vector<Edge> list;
    list.reserve(edges_.size());
    for (const auto& [pair, edge] : edges_) {
        list.push_back(edge);
    }
    return list;
}

Result<std::set<model::AllowKey>> Edges::dump(const Identities& identities) const {
    std::set<model::AllowKey> pairs;
    std::vector<std::pair<df_allow_key, df_allow>> found;
    auto read = tables_->allow.for_each([&](const df_allow_key& key, const df_allow& allow) {
        if (known(key.from, identities) && known(key.to, identities)) {
            found.emplace_back(key, allow);
        }
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    for (const auto& [key, allow] : found) {
        const auto edge = tables_->edge.get(allow.edge);
        if (!edge) {
            return std::unexpected(edge.error());
        }
        if (*edge && (*edge)->live == 1 && (*edge)->gen == allow.gen) {
            pairs.insert({identities.name(key.from), identities.name(key.to)});
        }
    }
    return pairs;
}

}  // namespace directfaas::backend::ebpf
