// SPDX-License-Identifier: Apache-2.0
// Differences of rule sets: how they are made, applied and added up.
#include <algorithm>
#include <iterator>

#include "lib/model/rules.h"

namespace directfaas::model {
namespace {

template <typename Key, typename Value>
void plan_map(const std::map<Key, Value>& from, const std::map<Key, Value>& to,
              std::map<Key, Value>& upserts, std::set<Key>& removals) {
    auto old = from.begin();
    for (const auto& entry : to) {
        for (; old != from.end() && old->first < entry.first; ++old) {
            removals.insert(removals.end(), old->first);
        }
        const bool known = old != from.end() && old->first == entry.first;
        if (!known || old->second != entry.second) {
            upserts.insert(upserts.end(), entry);
        }
        if (known) {
            ++old;
        }
    }
    for (; old != from.end(); ++old) {
        removals.insert(removals.end(), old->first);
    }
}

template <typename Key, typename Value>
void apply_map(const std::map<Key, Value>& upserts, const std::set<Key>& removals,
               std::map<Key, Value>& target) {
    for (const auto& [key, value] : upserts) {
        target.insert_or_assign(key, value);
    }
    for (const auto& key : removals) {
        target.erase(key);
    }
}

template <typename Key, typename Value>
void merge_map(const std::map<Key, Value>& next_upserts, const std::set<Key>& next_removals,
               std::map<Key, Value>& upserts, std::set<Key>& removals) {
    for (const auto& [key, value] : next_upserts) {
        upserts.insert_or_assign(key, value);
        removals.erase(key);
    }
    for (const auto& key : next_removals) {
        upserts.erase(key);
        removals.insert(key);
    }
}

}  // namespace

bool RuleDelta::empty() const {
    return identities.empty() && addresses.empty() && routes.empty() && allowed.empty() &&
           attachments.empty() && revoked.empty() && detached.empty() && routes_removed.empty() &&
           addresses_removed.empty() && identities_removed.empty();
}

RuleDelta plan(const RuleSet& from, const RuleSet& to) {
    RuleDelta delta;
    plan_map(from.identities, to.identities, delta.identities, delta.identities_removed);
    plan_map(from.addresses, to.addresses, delta.addresses, delta.addresses_removed);
    plan_map(from.routes, to.routes, delta.routes, delta.routes_removed);
    plan_map(from.attachments, to.attachments, delta.attachments, delta.detached);
    std::ranges::set_difference(to.allowed, from.allowed,
                                std::inserter(delta.allowed, delta.allowed.end()));
    std::ranges::set_difference(from.allowed, to.allowed,
                                std::inserter(delta.revoked, delta.revoked.end()));
    return delta;
}

void apply(const RuleDelta& delta, RuleSet& rules) {
    apply_map(delta.identities, delta.identities_removed, rules.identities);
    apply_map(delta.addresses, delta.addresses_removed, rules.addresses);
    apply_map(delta.routes, delta.routes_removed, rules.routes);
    apply_map(delta.attachments, delta.detached, rules.attachments);
    rules.allowed.insert(delta.allowed.begin(), delta.allowed.end());
    for (const auto& key : delta.revoked) {
        rules.allowed.erase(key);
    }
}

void merge(RuleDelta& delta, const RuleDelta& next) {
    merge_map(next.identities, next.identities_removed, delta.identities, delta.identities_removed);
    merge_map(next.addresses, next.addresses_removed, delta.addresses, delta.addresses_removed);
    merge_map(next.routes, next.routes_removed, delta.routes, delta.routes_removed);
    merge_map(next.attachments, next.detached, delta.attachments, delta.detached);
    for (const auto& key : next.allowed) {
        delta.allowed.insert(key);
        delta.revoked.erase(key);
    }
    for (const auto& key : next.revoked) {
        delta.allowed.erase(key);
        delta.revoked.insert(key);
    }
}

}  // namespace directfaas::model
