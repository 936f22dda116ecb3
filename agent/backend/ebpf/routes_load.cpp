// SPDX-License-Identifier: Apache-2.0
// Reading routes back: at start (with repair of what a killed agent left half done) and for dump().
#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "agent/backend/ebpf/encode.h"
#include "agent/backend/ebpf/routes.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

bool before(const Routes::Endpoint& a, const Routes::Endpoint& b) {
    return std::tie(a.rule.address, a.rule.port) < std::tie(b.rule.address, b.rule.port);
}

}  // namespace

Result<Routes> Routes::load(const Tables& tables, const Identities& identities,
                            Addresses& addresses) {
    Routes loaded(tables);
    auto keys = loaded.load_vips(identities);
    if (!keys) {
        return std::unexpected(keys.error());
    }
    auto done = loaded.load_endpoints(*keys);
    if (done) {
        done = loaded.load_lists(*keys);
    }
    std::map<util::IpAddress, Identities::Number> vips;
    for (const auto& [key, route] : loaded.routes_) {
        vips.emplace(key.vip, route.function);
    }
    if (done) {
        done = addresses.restore_vips(vips);
    }
    if (!done) {
        return std::unexpected(done.error());
    }
    return loaded;
}

/// vIPs of functions that are gone are removed.
Result<Routes::KeyOfId> Routes::load_vips(const Identities& identities) {
    KeyOfId keys;
    std::vector<df_vip_key> stale;
    std::vector<bool> used(tables_->vip.capacity());
    auto read = tables_->vip.for_each([&](const df_vip_key& raw, const df_vip& entry) {
        const auto function = identities.find(identities.name(entry.fn));
        if (!function || function->id == DF_IDENTITY_OUTSIDE || entry.id >= used.size() ||
            used[entry.id]) {
            stale.push_back(raw);
            return;
        }
        const auto key = decode(raw);
        used[entry.id] = true;
        keys[entry.id] = key;
        routes_[key].entry = entry;
        routes_[key].function = *function;
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    for (const auto& key : stale) {
        if (auto gone = tables_->vip.erase(key); !gone) {
            return std::unexpected(gone.error());
        }
    }
    vip_ids_.restore(used);
    return keys;
}

/// Instances of no vIP, or known twice, are freed.
Result<void> Routes::load_endpoints(const KeyOfId& keys) {
    std::vector<bool> used(tables_->ep.capacity());
    Endpoints stale;
    auto read = tables_->ep.for_each([&](std::uint32_t id, const df_ep& entry) {
        if (entry.state == DF_EP_FREE || id == 0) {
            return;
        }
        used[id] = true;
        if (entry.ifindex != 0) {
            local_[entry.ifindex].insert(id);
            if ((entry.flags & DF_EP_FAST) != 0) {
                fast_.insert(entry.ifindex);
            }
        }
        const auto key = keys.find(entry.vip_id);
        auto& list = key == keys.end() ? stale : routes_[key->second].endpoints;
        list.push_back({decode(entry), id, entry.gen});
    });
    if (!read) {
        return read;
    }
    endpoint_ids_.restore(used);
    for (auto& [key, route] : routes_) {
        std::ranges::stable_sort(route.endpoints, before);
        Endpoints unique;
        for (const auto& endpoint : route.endpoints) {
            const bool twice = !unique.empty() && !before(unique.back(), endpoint);
            (twice ? stale : unique).push_back(endpoint);
        }
        unique.shrink_to_fit();
        route.endpoints = std::move(unique);
    }
    return free_all_but({}, stale);
}

/// Lists that no vIP uses are deleted; one that does not fit its instances is written anew.
Result<void> Routes::load_lists(const KeyOfId& keys) {
    std::vector<df_slot_key> stale;
    auto read = tables_->slots.for_each([&](const df_slot_key& slot, std::uint32_t id) {
        const auto key = keys.find(slot.vip_id);
        Route* route = key == keys.end() ? nullptr : &routes_[key->second];
        if (route == nullptr || slot.generation != route->entry.generation ||
            slot.ordinal >= route->entry.count) {
            stale.push_back(slot);
            return;
        }
        route->list.resize(route->entry.count);
        route->list[slot.ordinal] = id;
    });
    if (!read) {
        return read;
    }
    for (const auto& slot : stale) {
        if (auto gone = tables_->slots.erase(slot); !gone) {
            return std::unexpected(gone.error());
        }
    }
    for (auto& [key, route] : routes_) {
        slot_count_ += route.entry.count;
        auto ready = ready_list(route.endpoints);
        if (route.entry.count == ready.size() && route.list == ready) {
            continue;
        }
        route.list.assign(1, 0);  // differs from any list, so it is written
        if (auto switched = switch_list(key, route, route.entry, std::move(ready)); !switched) {
            return switched;
        }
    }
    return {};
}

Result<std::map<model::RouteKey, model::RouteRule>> Routes::dump(
    const Identities& identities) const {
    std::map<model::RouteKey, model::RouteRule> rules;
    std::unordered_map<std::uint32_t, model::RouteRule*> by_id;
    auto read = tables_->vip.for_each([&](const df_vip_key& key, const df_vip& entry) {
        auto& rule = rules[decode(key)];
        rule.function = identities.name(entry.fn);
        rule.when_empty = decode_when_empty(entry.flags);
        rule.affinity = std::chrono::seconds{entry.affinity};
        by_id[entry.id] = &rule;
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    read = tables_->ep.for_each([&](std::uint32_t, const df_ep& entry) {
        const auto route = by_id.find(entry.vip_id);
        if (entry.state != DF_EP_FREE && route != by_id.end()) {
            route->second->endpoints.push_back(decode(entry));
        }
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    for (auto& [key, rule] : rules) {
        std::ranges::sort(rule.endpoints);
    }
    return rules;
}

}  // namespace directfaas::backend::ebpf
