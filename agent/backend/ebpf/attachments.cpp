// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/attachments.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "agent/backend/ebpf/encode.h"
#include "lib/util/log.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

constexpr std::array<Hook, 2> kHooks{Hook::kIngress, Hook::kEgress};

bool is_gone(const util::Error& error) { return error.code == ENODEV || error.code == ENXIO; }

/// Whether connections opened under `before` may go on under `after`.
bool same_rights(const df_veth& before, const df_veth& after) {
    return before.fn == after.fn && before.gen == after.gen &&
           before.addr_count == after.addr_count &&
           std::memcmp(before.addrs, after.addrs, sizeof(before.addrs)) == 0;
}

}  // namespace

Result<void> Attachments::attach(const model::ObjectName& pod, const model::AttachRule& rule,
                                 const Identities& identities) {
    const std::string context = fmt::format("pod {} on interface {}", pod.text(), rule.ifindex);
    const auto identity = identities.require(rule.identity);
    if (!identity) {
        return util::pass(identity.error(), context);
    }
    const auto entry = encode(rule, identity->id, identity->gen);
    if (!entry) {
        return util::pass(entry.error(), context);
    }
    auto done = make_way(pod, rule.ifindex, *entry);
    if (done) {
        done = tables_->veth.put(rule.ifindex, *entry);
    }
    if (done) {
        done = local_.set(rule.ifindex, {entry->addrs, entry->addr_count});
    }
    if (done) {
        done = put_programs(pod, rule.ifindex);
    }
    if (done) {
        done = fast_path_->look(rule.ifindex);
    }
    if (done) {
        return settle_inherited(pod, rule.ifindex);
    }
    static_cast<void>(release(rule.ifindex));
    if (is_gone(done.error())) {
        util::log::warning("{}: the interface has vanished; it is not attached", context);
        return {};
    }
    return util::pass(done.error(), context);
}

/// Settles who has the interface from now on. Connections of somebody else, or with other rights,
/// must not be found by the new owner: a known connection proves its source.
Result<void> Attachments::make_way(const model::ObjectName& pod, unsigned ifindex,
                                   const df_veth& wanted) {
    const auto before = tables_->veth.get(ifindex);
    if (!before) {
        return std::unexpected(before.error());
    }
    const auto owner = pods_.find(ifindex);
    const bool other_owner = owner != pods_.end() && owner->second != pod;
    const bool other_rights = *before && !same_rights(**before, wanted);
    if (other_owner) {
        interfaces_.erase(owner->second);
    }
    if (other_owner || other_rights || stale_.contains(ifindex)) {
        auto forgotten = forget_connections([&](unsigned of) { return of == ifindex; });
        if (!forgotten) {
            return forgotten;
        }
        stale_.erase(ifindex);
    }
    const auto elsewhere = interfaces_.find(pod);
    const unsigned old_ifindex = elsewhere == interfaces_.end() ? ifindex : elsewhere->second;
    pods_[ifindex] = pod;
    interfaces_[pod] = ifindex;
    return old_ifindex == ifindex ? Result<void>() : release(old_ifindex);
}

Result<void> Attachments::put_programs(const model::ObjectName& pod, unsigned ifindex) {
    auto name = tables_->pod_name.get(ifindex);
    if (!name) {
        return std::unexpected(name.error());
    }
    std::uint32_t flags = *name ? (*name)->flags : 0;
    const auto egress =
        attacher_->attach(ifindex, Hook::kEgress, programs_->to_pod.get(), "to_pod");
    if (!egress) {
        return std::unexpected(egress.error());
    }
    const auto ingress =
        attacher_->attach(ifindex, Hook::kIngress, programs_->from_pod.get(), "from_pod");
    if (!ingress) {
        return std::unexpected(ingress.error());
    }
    if (*egress || *ingress) {
        flags |= DF_POD_QDISC;
    }
    const auto entry = encode_pod(pod, flags);
    return entry ? tables_->pod_name.put(ifindex, *entry) : std::unexpected(entry.error());
}

/// The pod is attached at `ifindex` now: what another layout ran there has been replaced, and what
/// it ran for the pod elsewhere ends.
Result<void> Attachments::settle_inherited(const model::ObjectName& pod, unsigned ifindex) {
    inherited_.erase(ifindex);
    return release_inherited(pod);
}

Result<void> Attachments::release_inherited(const model::ObjectName& pod) {
    for (const auto& [ifindex, owner] : inherited_) {
        if (owner == pod) {
            return release(ifindex);
        }
    }
    return {};
}

Result<void> Attachments::detach(const model::ObjectName& pod) {
    if (auto released = release_inherited(pod); !released) {
        return released;
    }
    const auto known = interfaces_.find(pod);
    if (known == interfaces_.end()) {
        return {};
    }
    auto released = release(known->second);
    return released ? released : util::pass(released.error(), "pod " + pod.text());
}

/// Takes the programs away before the entry that they read.
Result<void> Attachments::release(unsigned ifindex) {
    if (auto over = fast_path_->forget(ifindex); !over) {
        return over;
    }
    if (auto forgotten = local_.forget(ifindex); !forgotten) {
        return forgotten;
    }
    for (const Hook hook : kHooks) {
        if (auto detached = attacher_->detach(ifindex, hook); !detached) {
            return detached;
        }
    }
    if (const auto name = tables_->pod_name.get(ifindex);
        name && *name && ((*name)->flags & DF_POD_QDISC) != 0) {
        if (auto removed = attacher_->remove_qdisc(ifindex); !removed) {
            util::log::warning("{}", removed.error().text());
        }
    }
    for (const auto& gone : {tables_->veth.erase(ifindex), tables_->pod_name.erase(ifindex),
                             tables_->budget.erase(ifindex << 1 | DF_CT_FROM_POD),
                             tables_->budget.erase(ifindex << 1 | DF_CT_TO_POD)}) {
        if (!gone) {
            return std::unexpected(gone.error());
        }
    }
    stale_.insert(ifindex);
    inherited_.erase(ifindex);
    if (const auto owner = pods_.find(ifindex); owner != pods_.end()) {
        if (const auto place = interfaces_.find(owner->second);
            place != interfaces_.end() && place->second == ifindex) {
            interfaces_.erase(place);
        }
        pods_.erase(owner);
    }
    return {};
}

Result<void> Attachments::detach_all() {
    Result<void> first;
    auto all = interfaces();
    for (const auto& [ifindex, pod] : inherited_) {
        all.insert(ifindex);
    }
    for (const unsigned ifindex : all) {
        if (auto released = release(ifindex); !released && first) {
            first = released;
        }
    }
    return first;
}

std::set<unsigned> Attachments::interfaces() const {
    std::set<unsigned> list;
    for (const auto& [ifindex, pod] : pods_) {
        list.insert(ifindex);
    }
    return list;
}

void Attachments::swept(const std::set<unsigned>& interfaces) {
    for (const unsigned ifindex : interfaces) {
        stale_.erase(ifindex);
    }
}

Result<void> Attachments::forget_connections(const std::function<bool(unsigned)>& of) const {
    std::vector<df_ct_key> keys;
    auto read = tables_->ct.for_each([&](const df_ct_key& key, const df_ct& entry) {
        if (of(key.ifindex) || ((entry.flags & DF_CT_FAST) != 0 && of(entry.peer))) {
            keys.push_back(key);
        }
    });
    for (const auto& key : keys) {
        if (const auto gone = tables_->ct.erase(key); !gone) {
            return std::unexpected(gone.error());
        }
    }
    return read;
}

Result<void> Attachments::load(const Pins& pins, const Identities& identities, unsigned own_ifindex,
                               bool anew) {
    std::map<unsigned, df_pod_name> names;
    std::set<unsigned> found;
    auto read = tables_->pod_name.for_each([&](unsigned ifindex, const df_pod_name& name) {
        names[ifindex] = name;
        found.insert(ifindex);
    });
    if (!read) {
        return read;
    }
    std::set<unsigned> owned;
    read = tables_->veth.for_each([&](unsigned ifindex, const df_veth& entry) {
        found.insert(ifindex);
        const auto owner = identities.find(identities.name(entry.fn));
        if (owner && *owner == Identities::Number{entry.fn, entry.gen}) {
            owned.insert(ifindex);
        }
    });
    if (!read) {
        return read;
    }
    for (const unsigned ifindex : pins.linked_interfaces()) {
        found.insert(ifindex);
    }
    found.erase(own_ifindex);
    for (const unsigned ifindex : found) {
        const auto name = names.find(ifindex);
        const bool whole = name != names.end() && owned.contains(ifindex);
        if (anew && !whole && attacher_->attached(ifindex, Hook::kIngress)) {
            inherited_[ifindex] = name != names.end()
                                      ? decode(name->second)
                                      : model::ObjectName{"", fmt::format("interface-{}", ifindex)};
            continue;
        }
        auto done = whole ? adopt(ifindex, name->second) : release(ifindex);
        if (!done) {
            return done;
        }
    }
    stale_.clear();
    if (auto loaded = local_.load(interfaces()); !loaded) {
        return loaded;
    }
    return forget_connections([&](unsigned ifindex) { return !pods_.contains(ifindex); });
}

/// An attachment of an earlier process: replace its programs, or drop it if the interface is gone.
Result<void> Attachments::adopt(unsigned ifindex, const df_pod_name& name) {
    const auto pod = decode(name);
    auto done = put_programs(pod, ifindex);
    if (done) {
        pods_[ifindex] = pod;
        interfaces_[pod] = ifindex;
        return fast_path_->look(ifindex);
    }
    if (!is_gone(done.error())) {
        return util::pass(done.error(), "pod " + pod.text());
    }
    util::log::info("pod {}: interface {} is gone; it is detached", pod.text(), ifindex);
    return release(ifindex);
}

Result<std::map<model::ObjectName, model::AttachRule>> Attachments::dump(
    const Identities& identities) const {
    std::map<unsigned, df_veth> entries;
    auto read = tables_->veth.for_each(
        [&](unsigned ifindex, const df_veth& entry) { entries[ifindex] = entry; });
    if (!read) {
        return std::unexpected(read.error());
    }
    std::map<model::ObjectName, model::AttachRule> rules;
    for (const auto& [ifindex, pod] : inherited_) {
        rules[pod] = {.identity = {}, .ifindex = ifindex, .addresses = {}, .adopted = true};
    }
    for (const auto& [ifindex, entry] : entries) {
        const auto name = tables_->pod_name.get(ifindex);
        if (!name) {
            return std::unexpected(name.error());
        }
        if (!*name || !attacher_->attached(ifindex, Hook::kIngress) ||
            !attacher_->attached(ifindex, Hook::kEgress)) {
            continue;
        }
        auto& rule = rules[decode(**name)];
        rule = decode(entry);
        rule.identity = identities.name(entry.fn);
        rule.ifindex = ifindex;
    }
    return rules;
}

}  // namespace directfaas::backend::ebpf
