// SPDX-License-Identifier: Apache-2.0
// Changes a rule set and writes down what really changed. Each key is to be written once per delta.
#pragma once

#include <utility>

#include "lib/model/rules.h"

namespace directfaas::model {

class RuleWriter {
   public:
    RuleWriter(RuleSet& rules, RuleDelta& delta) : rules_(rules), delta_(delta) {}

    void put(const Identity& key, IdentityRule rule) {
        put(key, std::move(rule), rules_.identities, delta_.identities);
    }
    void put(const util::IpAddress& key, const Identity& identity) {
        put(key, identity, rules_.addresses, delta_.addresses);
    }
    void put(const RouteKey& key, RouteRule rule) {
        put(key, std::move(rule), rules_.routes, delta_.routes);
    }
    void put(const ObjectName& pod, AttachRule rule) {
        put(pod, std::move(rule), rules_.attachments, delta_.attachments);
    }
    void allow(const AllowKey& key) {
        if (rules_.allowed.insert(key).second) {
            delta_.allowed.insert(key);
        }
    }

    void remove(const Identity& key) { remove(key, rules_.identities, delta_.identities_removed); }
    void remove(const util::IpAddress& key) {
        remove(key, rules_.addresses, delta_.addresses_removed);
    }
    void remove(const RouteKey& key) { remove(key, rules_.routes, delta_.routes_removed); }
    void remove(const ObjectName& pod) { remove(pod, rules_.attachments, delta_.detached); }
    void revoke(const AllowKey& key) {
        if (rules_.allowed.erase(key) != 0) {
            delta_.revoked.insert(key);
        }
    }

   private:
    template <typename Key, typename Value>
    static void put(const Key& key, Value value, std::map<Key, Value>& rules,
                    std::map<Key, Value>& upserts) {
        const auto place = rules.lower_bound(key);
        if (place == rules.end() || place->first != key) {
            rules.emplace_hint(place, key, value);
        } else if (place->second != value) {
            place->second = value;
        } else {
            return;
        }
        upserts.insert_or_assign(key, std::move(value));
    }
    template <typename Key, typename Value>
    static void remove(const Key& key, std::map<Key, Value>& rules, std::set<Key>& removals) {
        if (rules.erase(key) != 0) {
            removals.insert(key);
        }
    }

    RuleSet& rules_;
    RuleDelta& delta_;
};

}  // namespace directfaas::model
