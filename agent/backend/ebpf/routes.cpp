// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/routes.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "agent/backend/ebpf/encode.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

/// So that clearing up after a storm of changes does not hold up the next change for long.
constexpr std::size_t kSlotsPerClearing = 4096;
/// A program looks at a list for microseconds.
constexpr std::chrono::milliseconds kOldListAge{100};

auto place_of(const model::RouteEndpoint& endpoint) {
    return std::tie(endpoint.address, endpoint.port);
}

}  // namespace

std::vector<std::uint32_t> Routes::ready_list(const Endpoints& endpoints) {
    std::vector<std::uint32_t> list;
    for (const auto& endpoint : endpoints) {
        if (endpoint.rule.state == model::EndpointState::kReady) {
            list.push_back(endpoint.id);
        }
    }
    return list;
}

Result<void> Routes::set(const model::RouteKey& key, const model::RouteRule& rule,
                         const Identities& identities, Addresses& addresses) {
    const std::string context = "route " + key.text();
    const auto function = identities.require(rule.function);
    if (!function) {
        return util::pass(function.error(), context);
    }
    auto route = find_or_add(key);
    if (!route) {
        return util::pass(route.error(), context);
    }
    auto done = update(key, **route, rule, *function);
    if (done && (*route)->function != *function) {
        // Ports of a vIP that have no route are known as the vIP's by its address.
        done = addresses.set_vip(key.vip, *function);
        (*route)->function = done ? *function : (*route)->function;
    }
    return done ? done : util::pass(done.error(), context);
}

Result<Routes::Route*> Routes::find_or_add(const model::RouteKey& key) {
    if (const auto known = routes_.find(key); known != routes_.end()) {
        return &known->second;
    }
    const auto id = vip_ids_.take();
    if (!id) {
        return util::fail(full_message("vip", vip_ids_.capacity()));
    }
    Route& route = routes_[key];
    route.entry.id = *id;
    return &route;
}

Result<void> Routes::update(const model::RouteKey& key, Route& route, const model::RouteRule& rule,
                            Identities::Number function) {
    auto wanted = place(route, rule);
    if (!wanted) {
        return std::unexpected(wanted.error());
    }
    df_vip entry = route.entry;
    entry.fn = function.id;
    entry.flags = encode(rule.when_empty);
    entry.affinity = static_cast<std::uint32_t>(rule.affinity.count());
    if (auto switched = switch_list(key, route, entry, ready_list(*wanted)); !switched) {
        static_cast<void>(free_all_but(route.endpoints, *wanted));
        return switched;
    }
    std::swap(route.endpoints, *wanted);
    return free_all_but(route.endpoints, *wanted);
}

/// Everything that comes before the switch: instances that stay keep their number, new ones get
/// one. The programs choose from the live list alone, so no order matters here.
Result<Routes::Endpoints> Routes::place(Route& route, const model::RouteRule& rule) {
    Endpoints wanted;
    wanted.reserve(rule.endpoints.size());
    for (const auto& endpoint : rule.endpoints) {
        const auto old = std::ranges::lower_bound(
            route.endpoints, place_of(endpoint), {},
            [](const Endpoint& candidate) { return place_of(candidate.rule); });
        const bool stays =
            old != route.endpoints.end() && place_of(old->rule) == place_of(endpoint);
        Result<void> done;
        if (!stays) {
            auto added = add_endpoint(route.entry.id, endpoint);
            done = added ? Result<void>() : std::unexpected(added.error());
            wanted.push_back(added.value_or(Endpoint{}));
        } else if (old->rule != endpoint) {
            old->rule = endpoint;
            done = write_endpoint(route.entry.id, *old);
            wanted.push_back(*old);
        } else {
            wanted.push_back(*old);
        }
        if (!done) {
            static_cast<void>(free_all_but(route.endpoints, wanted));
            return std::unexpected(done.error());
        }
    }
    return wanted;
}

Result<Routes::Endpoint> Routes::add_endpoint(std::uint32_t vip_id,
                                              const model::RouteEndpoint& rule) {
    const auto id = endpoint_ids_.take();
    if (!id) {
        return util::fail(full_message("ep", endpoint_ids_.capacity()));
    }
    const auto before = tables_->ep.get(*id);
    const std::uint32_t gen = before && *before ? (*before)->gen + 1 : 1;
    const Endpoint endpoint{rule, *id, gen};
    auto done = tables_->ep_open.put(*id, 0);
    if (done) {
        done = write_endpoint(vip_id, endpoint);
    }
    if (!done) {
        endpoint_ids_.give_back(*id);
        return std::unexpected(done.error());
    }
    return endpoint;
}

Result<void> Routes::write_endpoint(std::uint32_t vip_id, const Endpoint& endpoint) {
    df_ep entry{};
    entry.addr = encode(endpoint.rule.address);
    entry.port = encode_port(endpoint.rule.port);
    entry.state = encode(endpoint.rule.state);
    entry.gen = endpoint.gen;
    entry.vip_id = vip_id;
    entry.ifindex = endpoint.rule.ifindex;
    if (entry.ifindex != 0) {
        local_[entry.ifindex].insert(endpoint.id);
        const auto before = tables_->ep.get(endpoint.id);
        if (!before) {
            return std::unexpected(before.error());
        }
        const bool same = *before && (*before)->gen == endpoint.gen;
        entry.flags = static_cast<std::uint8_t>((same ? (*before)->flags & ~DF_EP_FAST : 0) |
                                                (fast_.contains(entry.ifindex) ? DF_EP_FAST : 0));
    }
    return tables_->ep.put(endpoint.id, entry);
}

Result<void> Routes::set_fast(unsigned ifindex, bool fast) {
    if (fast == fast_.contains(ifindex)) {
        return {};
    }
    fast ? (void)fast_.insert(ifindex) : (void)fast_.erase(ifindex);
    const auto ids = local_.find(ifindex);
    if (ids == local_.end()) {
        return {};
    }
    for (auto id = ids->second.begin(); id != ids->second.end();) {
        auto entry = tables_->ep.get(*id);
        if (!entry) {
            return std::unexpected(entry.error());
        }
        if (!*entry || (*entry)->state == DF_EP_FREE || (*entry)->ifindex != ifindex) {
            id = ids->second.erase(id);
            continue;
        }
        // A carry out of the byte is an older turn again, 128 turns later.
        (*entry)->flags = static_cast<std::uint8_t>(
            fast ? ((*entry)->flags + DF_EP_TURN) | DF_EP_FAST : (*entry)->flags & ~DF_EP_FAST);
        if (auto put = tables_->ep.put(*id, **entry); !put) {
            return put;
        }
        ++id;
    }
    return {};
}

/// Frees those of `candidates` whose number is not in `kept`.
Result<void> Routes::free_all_but(const Endpoints& kept, const Endpoints& candidates) {
    std::vector<std::uint32_t> ids;
    std::ranges::transform(kept, std::back_inserter(ids), &Endpoint::id);
    std::ranges::sort(ids);
    for (const auto& endpoint : candidates) {
        if (endpoint.id == 0 || std::ranges::binary_search(ids, endpoint.id)) {
            continue;
        }
        if (auto freed = free_endpoint(endpoint); !freed) {
            return freed;
        }
    }
    return {};
}

/// Connections to it are reset from here on.
Result<void> Routes::free_endpoint(const Endpoint& endpoint) {
    Endpoint gone = endpoint;
    ++gone.gen;
    df_ep entry{};
    entry.addr = encode(gone.rule.address);
    entry.port = encode_port(gone.rule.port);
    entry.state = DF_EP_FREE;
    entry.gen = gone.gen;
    endpoint_ids_.give_back(gone.id);
    return tables_->ep.put(gone.id, entry);
}

Result<void> Routes::switch_list(const model::RouteKey& key, Route& route, df_vip entry,
                                 std::vector<std::uint32_t> list) {
    const df_vip old = route.entry;
    if (old.generation != 0 && list == route.list) {
        if (old.fn != entry.fn || old.flags != entry.flags || old.affinity != entry.affinity) {
            if (auto put = tables_->vip.put(encode(key), entry); !put) {
                return put;
            }
            route.entry = entry;
        }
        return {};
    }
    entry.generation = old.generation + 1;
    entry.count = static_cast<std::uint32_t>(list.size());
    if (auto written = write_list(entry, list); !written) {
        return written;
    }
    if (auto put = tables_->vip.put(encode(key), entry); !put) {
        static_cast<void>(erase_list(entry));
        return put;
    }
    if (old.count != 0) {
        old_lists_.push_back({old, Clock::now()});
    }
    route.entry = entry;
    route.list = std::move(list);
    return {};
}

Result<void> Routes::write_list(const df_vip& entry, const std::vector<std::uint32_t>& list) {
    while (slot_count_ + list.size() > tables_->slots.capacity() && !old_lists_.empty()) {
        if (auto cleared = clear_oldest_list(); !cleared) {
            return cleared;
        }
    }
    std::vector<df_slot_key> keys;
    keys.reserve(list.size());
    for (std::uint32_t ordinal = 0; ordinal < list.size(); ++ordinal) {
        keys.push_back({entry.id, entry.generation, ordinal});
    }
    slot_count_ += list.size();
    auto written = tables_->slots.put(keys, list);
    if (!written) {
        static_cast<void>(erase_list(entry));
    }
    return written;
}

Result<void> Routes::erase_list(const df_vip& entry) {
    for (std::uint32_t ordinal = 0; ordinal < entry.count; ++ordinal) {
        auto gone = tables_->slots.erase({entry.id, entry.generation, ordinal});
        if (!gone) {
            return std::unexpected(gone.error());
        }
    }
    slot_count_ -= entry.count;
    return {};
}

Result<void> Routes::clear_old_lists() {
    const auto limit = Clock::now() - kOldListAge;
    const std::size_t enough =
        slot_count_ > kSlotsPerClearing ? slot_count_ - kSlotsPerClearing : 0;
    while (!old_lists_.empty() && old_lists_.front().since <= limit && slot_count_ > enough) {
        if (auto cleared = clear_oldest_list(); !cleared) {
            return cleared;
        }
    }
    return {};
}

Result<void> Routes::clear_oldest_list() {
    auto erased = erase_list(old_lists_.front().entry);
    if (erased) {
        old_lists_.pop_front();
    }
    return erased;
}

Result<void> Routes::remove(const model::RouteKey& key, Addresses& addresses) {
    const auto known = routes_.find(key);
    if (known == routes_.end()) {
        return {};
    }
    const auto gone = tables_->vip.erase(encode(key));
    if (!gone) {
        return util::pass(gone.error(), "route " + key.text());
    }
    const Route route = std::move(known->second);
    routes_.erase(known);
    auto done = release(route);
    const auto other = routes_.lower_bound({key.vip, 0, util::Protocol{}});
    if (done && other != routes_.end() && other->first.vip == key.vip) {
        done = addresses.set_vip(key.vip, other->second.function);
    } else if (done) {
        done = addresses.remove_vip(key.vip);
    }
    return done ? done : util::pass(done.error(), "route " + key.text());
}

/// Gives back all numbers of a route. Its number may be given to another vIP, which must not find
/// the old lists, so they go at once.
Result<void> Routes::release(const Route& route) {
    vip_ids_.give_back(route.entry.id);
    auto done = erase_list(route.entry);
    for (const auto& list : old_lists_) {
        if (done && list.entry.id == route.entry.id) {
            done = erase_list(list.entry);
        }
    }
    std::erase_if(old_lists_, [&](const OldList& list) { return list.entry.id == route.entry.id; });
    return done ? free_all_but({}, route.endpoints) : done;
}

}  // namespace directfaas::backend::ebpf
