// SPDX-License-Identifier: Apache-2.0
// Flows and groups as values, and the changes that lead from one set of them to another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "agent/backend/ovs/actions.h"
#include "agent/backend/ovs/match.h"

namespace directfaas::backend::ovs {

/// Every flow of ours has a cookie that starts with this; foreign ones are never touched.
inline constexpr std::uint64_t kCookieMagic = 0xdfaa'0000'0000'0000;
inline constexpr std::uint64_t kCookieMagicMask = 0xffff'0000'0000'0000;
inline constexpr std::uint64_t kCookieKindMask = 0xffff'ff00'0000'0000;

/// What a flow belongs to.
enum class Owner : std::uint8_t {
    kPipeline = 1,
    kIdentity,
    kAddress,
    kRoute,
    kEndpoint,
    kEdge,
    kPod,
    kPair,
    kNode,
    kKept,
};
constexpr std::uint64_t cookie(Owner owner, std::uint32_t number) {
    return kCookieMagic | (static_cast<std::uint64_t>(owner) << 40) | number;
}
constexpr Owner owner_of(std::uint64_t value) { return static_cast<Owner>((value >> 40) & 0xff); }

/// What makes a flow one flow: the switch has at most one of a key.
struct FlowKey {
    std::uint8_t table = 0;
    std::uint16_t priority = 0;
    std::string match;

    auto operator<=>(const FlowKey&) const = default;
};

struct Flow {
    std::uint8_t table = 0;
    std::uint16_t priority = 0;
    std::uint64_t cookie = 0;
    Match match;
    Bytes actions;

    [[nodiscard]] FlowKey key() const { return {table, priority, match.key()}; }
    bool operator==(const Flow&) const = default;
};

/// Orders flows by what makes them one flow.
struct ByKey {
    using is_transparent = void;

    static auto parts(const FlowKey& key) { return std::tie(key.table, key.priority, key.match); }
    static auto parts(const Flow& flow) {
        return std::tie(flow.table, flow.priority, flow.match.key());
    }
    bool operator()(const auto& one, const auto& two) const { return parts(one) < parts(two); }
};

/// A flow as the switch has it.
struct FoundFlow : Flow {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

/// One choice of a select group.
struct Bucket {
    std::uint32_t id = 0;
    Bytes actions;

    bool operator==(const Bucket&) const = default;
};

struct Group {
    std::uint32_t id = 0;
    std::vector<Bucket> buckets;
    /// The field that alone decides for a bucket; without: the connection's addresses and ports.
    std::optional<Field> chosen_by{};

    bool operator==(const Group&) const = default;
};

/// What one bundle makes true, all of it or nothing.
class Change {
   public:
    void put(Flow flow) {
        flows_.erase(flow);
        flows_.insert(std::move(flow));
    }
    /// Unless the flow was put already: then somebody else has taken it over.
    void remove(const Flow& flow) {
        Flow gone = flow;
        gone.actions.clear();
        gone.cookie = 0;
        flows_.insert(std::move(gone));
    }
    /// Turns the flows `before` into `after`. What is equal is left out.
    void replace(const std::vector<Flow>& before, const std::vector<Flow>& after);

    /// `before` are the buckets it has, if that is known.
    void put(Group group, std::vector<Bucket> before) {
        const auto id = group.id;
        groups_[id] = GroupChange{std::move(group), std::move(before), false};
    }
    void remove_group(std::uint32_t id) { groups_[id] = GroupChange{{id, {}}, {}, true}; }

    struct GroupChange {
        Group group;
        std::vector<Bucket> before;
        bool remove = false;
    };
    /// A flow with cookie 0 is to be removed.
    [[nodiscard]] const std::set<Flow, ByKey>& flows() const { return flows_; }
    [[nodiscard]] const std::map<std::uint32_t, GroupChange>& groups() const { return groups_; }
    [[nodiscard]] bool empty() const { return flows_.empty() && groups_.empty(); }

   private:
    std::set<Flow, ByKey> flows_;
    std::map<std::uint32_t, GroupChange> groups_;
};

inline void Change::replace(const std::vector<Flow>& before, const std::vector<Flow>& after) {
    std::map<FlowKey, const Flow*> old;
    for (const Flow& flow : before) {
        old[flow.key()] = &flow;
    }
    for (const Flow& flow : after) {
        const auto found = old.find(flow.key());
        if (found == old.end() || !(*found->second == flow)) {
            put(flow);
        }
        if (found != old.end()) {
            old.erase(found);
        }
    }
    for (const auto& [key, flow] : old) {
        remove(*flow);
    }
}

}  // namespace directfaas::backend::ovs
