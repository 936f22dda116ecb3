// SPDX-License-Identifier: Apache-2.0
// Writes down what really changes in a rule set, and then changes it. Each key is to be written
// once per delta. First all of the delta, then all of the rules, so that what lives long and what
// is soon freed do not lie between each other in memory.
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
    /// In the rules at once: the addresses of the same pass depend on it.
    void put(const ObjectName& pod, const AttachRule& rule) {
        put(pod, rule, rules_.attachments, delta_.attachments);
        rules_.attachments.insert_or_assign(pod, rule);
    }
    void allow(const AllowKey& key) {
        if (!rules_.allowed.contains(key)) {
            delta_.allowed.insert(key);
        }
    }

    void remove(const Identity& key) { remove(key, rules_.identities, delta_.identities_removed); }
    void remove(const util::IpAddress& key) {
        remove(key, rules_.addresses, delta_.addresses_removed);
    }
    void remove(const RouteKey& key) { remove(key, rules_.routes, delta_.routes_removed); }
    /// At once, like put().
    void remove(const ObjectName& pod) {
        remove(pod, rules_.attachments, delta_.detached);
        rules_.attachments.erase(pod);
    }
    void revoke(const AllowKey& key) {
        if (rules_.allowed.contains(key)) {
            delta_.revoked.insert(key);
        }
    }

    /// Makes the rules what the delta says.
    void finish() { apply(delta_, rules_); }

   private:
    template <typename Key, typename Value>
    static void put(const Key& key, Value value, const std::map<Key, Value>& rules,
                    std::map<Key, Value>& upserts) {
        const auto place = rules.find(key);
        if (place == rules.end() || place->second != value) {
            upserts.insert_or_assign(key, std::move(value));
        }
    }
    template <typename Key, typename Value>
    static void remove(const Key& key, const std::map<Key, Value>& rules, std::set<Key>& removals) {
        if (rules.contains(key)) {
            removals.insert(key);
        }
    }

    RuleSet& rules_;
    RuleDelta& delta_;
};

}  // namespace directfaas::model
