// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/identities.h"

#include <fmt/format.h>

#include "agent/backend/ebpf/encode.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

std::uint32_t port_flags(const model::IdentityRule& rule, const model::PortProtocol& port) {
    std::uint32_t flags = 0;
    if (rule.served.contains(port)) {
        flags |= DF_PORT_SERVED;
    }
    if (rule.open.contains(port)) {
        flags |= DF_PORT_OPEN;
    }
    return flags;
}

}  // namespace

Result<Identities> Identities::load(const Tables& tables) {
    Identities loaded(tables);
    std::vector<bool> used(tables.fn.capacity());
    auto read = tables.fn.for_each([&](std::uint32_t id, const df_fn& fn) {
        if (auto identity = decode_identity(fn)) {
            used[id] = true;
            loaded.entries_[*identity] = {
                std::make_shared<const model::Identity>(*identity), {id, fn.gen}, {}};
        }
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    loaded.ids_.restore(used);
    for (auto& [identity, entry] : loaded.entries_) {
        loaded.by_id_[entry.number.id] = &entry;
    }
    if (auto ports = loaded.load_ports(); !ports) {
        return std::unexpected(ports.error());
    }
    return loaded;
}

Result<void> Identities::load_ports() {
    std::vector<df_fn_port_key> orphans;
    auto read = tables_->fn_port.for_each([&](const df_fn_port_key& key, const df_fn_port& port) {
        const auto owner = by_id_.find(key.fn);
        if (owner == by_id_.end()) {
            orphans.push_back(key);
            return;
        }
        owner->second->ports[decode(key)] = port.flags;
        ++port_count_;
    });
    for (const auto& key : orphans) {
        if (auto erased = tables_->fn_port.erase(key); !erased) {
            return std::unexpected(erased.error());
        }
    }
    return read;
}

Result<Identities::Entry*> Identities::add(const model::Identity& identity) {
    const auto id = ids_.take();
    if (!id) {
        return util::fail(full_message("fn", ids_.capacity()));
    }
    auto before = tables_->fn.get(*id);
    if (!before) {
        return std::unexpected(before.error());
    }
    // The number's last owner must not leave its counts to the next one.
    if (auto zeroed = tables_->fn_stats.zero(*id); !zeroed) {
        return std::unexpected(zeroed.error());
    }
    const std::uint32_t gen = before->value_or(df_fn{}).gen + 1;
    Entry& entry = entries_[identity];
    entry = {std::make_shared<const model::Identity>(identity), {*id, gen}, {}};
    by_id_[*id] = &entry;
    return &entry;
}

Result<void> Identities::set(const model::Identity& identity, const model::IdentityRule& rule) {
    auto encoded = encode(identity, rule, 0);
    if (!encoded) {
        return util::pass(encoded.error(), identity.text());
    }
    const auto known = entries_.find(identity);
    Entry* entry = known == entries_.end() ? nullptr : &known->second;
    if (entry == nullptr) {
        auto added = add(identity);
        if (!added) {
            return util::pass(added.error(), identity.text());
        }
        entry = *added;
    }
    encoded->gen = entry->number.gen;
    auto written = tables_->fn.put(entry->number.id, *encoded);
    if (written) {
        written = set_ports(*entry, rule);
    }
    return written ? written : util::pass(written.error(), identity.text());
}

Result<void> Identities::set_ports(Entry& entry, const model::IdentityRule& rule) {
    Ports wanted;
    for (const auto* ports : {&rule.served, &rule.open}) {
        for (const auto& port : *ports) {
            wanted[port] = port_flags(rule, port);
        }
    }
    for (const auto& [port, flags] : wanted) {
        const auto known = entry.ports.find(port);
        if (known != entry.ports.end() && known->second == flags) {
            continue;
        }
        if (auto put = tables_->fn_port.put(encode_port(entry.number.id, port), {flags}); !put) {
            return put;
        }
        port_count_ += known == entry.ports.end() ? 1 : 0;
        entry.ports[port] = flags;
    }
    for (auto it = entry.ports.begin(); it != entry.ports.end();) {
        if (wanted.contains(it->first)) {
            ++it;
            continue;
        }
        if (auto gone = tables_->fn_port.erase(encode_port(entry.number.id, it->first)); !gone) {
            return std::unexpected(gone.error());
        }
        --port_count_;
        it = entry.ports.erase(it);
    }
    return {};
}

Result<void> Identities::remove(const std::set<model::Identity>& identities) {
    std::set<std::uint32_t> freed;
    for (const auto& identity : identities) {
        const auto known = entries_.find(identity);
        if (known == entries_.end()) {
            continue;
        }
        Entry& entry = known->second;
        if (auto gone = set_ports(entry, {}); !gone) {
            return util::pass(gone.error(), identity.text());
        }
        df_fn free_entry{};
        free_entry.gen = entry.number.gen;
        if (auto put = tables_->fn.put(entry.number.id, free_entry); !put) {
            return util::pass(put.error(), identity.text());
        }
        freed.insert(entry.number.id);
        ids_.give_back(entry.number.id);
        by_id_.erase(entry.number.id);
        entries_.erase(known);
    }
    return freed.empty() ? Result<void>() : forget_denials(freed);
}

Result<void> Identities::forget_denials(const std::set<std::uint32_t>& ids) const {
    std::vector<df_denied_key> stale;
    auto read = tables_->denied.for_each([&](const df_denied_key& key, std::uint64_t) {
        if (ids.contains(key.from) || ids.contains(key.to)) {
            stale.push_back(key);
        }
    });
    for (const auto& key : stale) {
        if (auto erased = tables_->denied.erase(key); !erased) {
            return std::unexpected(erased.error());
        }
    }
    return read;
}

std::optional<Identities::Number> Identities::find(const model::Identity& identity) const {
    if (identity.kind == model::IdentityKind::kOutside) {
        return Number{};
    }
    const auto known = entries_.find(identity);
    return known == entries_.end() ? std::nullopt : std::optional(known->second.number);
}

Result<Identities::Number> Identities::require(const model::Identity& identity) const {
    if (const auto number = find(identity)) {
        return *number;
    }
    return util::fail(fmt::format("{} has no identity yet; it must be among the rules' identities",
                                  identity.text()));
}

const model::Identity& Identities::name(std::uint32_t id) const {
    static const model::Identity outside;
    const auto known = by_id_.find(id);
    return known == by_id_.end() ? outside : *known->second->name;
}

std::vector<Identities::Named> Identities::all() const {
    std::vector<Named> list;
    list.reserve(entries_.size());
    for (const auto& [identity, entry] : entries_) {
        list.push_back({entry.name, entry.number});
    }
    return list;
}

Result<std::map<model::Identity, model::IdentityRule>> Identities::dump() const {
    std::map<model::Identity, model::IdentityRule> rules;
    std::unordered_map<std::uint32_t, model::IdentityRule*> by_id;
    auto read = tables_->fn.for_each([&](std::uint32_t id, const df_fn& fn) {
        if (const auto identity = decode_identity(fn)) {
            by_id[id] = &(rules[*identity] = decode_rule(fn));
        }
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    read = tables_->fn_port.for_each([&](const df_fn_port_key& key, const df_fn_port& port) {
        const auto owner = by_id.find(key.fn);
        if (owner == by_id.end()) {
            return;
        }
        if ((port.flags & DF_PORT_SERVED) != 0) {
            owner->second->served.insert(decode(key));
        }
        if ((port.flags & DF_PORT_OPEN) != 0) {
            owner->second->open.insert(decode(key));
        }
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    return rules;
}

}  // namespace directfaas::backend::ebpf
