// SPDX-License-Identifier: Apache-2.0
// Objects of an apiserver on their way into a model: which are offered, which are in force, and
// what is wrong with the rest. Agent and controller decide by this same code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/model_objects.h"
#include "lib/manifest/offers.h"

namespace directfaas::kube {

/// Which state of an object is in force.
struct InForce {
    std::int64_t generation = 0;  // 0: the kind has none
    std::string uid;

    bool operator==(const InForce&) const = default;
};

/// One thread.
class Origins {
   public:
    explicit Origins(manifest::Take take) : take_(std::move(take)) {}

    /// The newest state of an object. If it is wrong, an earlier state stays in force; if there is
    /// none, because this process has just begun, the state that the object itself says was
    /// accepted last (ModelObject::last_accepted).
    void put(const std::string& origin, ModelObject object);
    void remove(const std::string& origin);

    /// Offers what is new, and again what was refused.
    void settle();
    /// Treats what was refused as new.
    void renew() { offers_.renew(); }

    [[nodiscard]] std::vector<model::Problem> problems() const;
    /// What is wrong with the newest state of this one.
    [[nodiscard]] std::vector<model::Problem> problems_of(const std::string& origin) const;
    [[nodiscard]] std::size_t object_count() const { return in_force_.size(); }
    /// What is in force of this one; null: nothing.
    [[nodiscard]] const InForce* in_force(const std::string& origin) const {
        const auto found = in_force_.find(origin);
        return found == in_force_.end() ? nullptr : &found->second;
    }
    /// Everything of one kind that is in force, by name.
    [[nodiscard]] std::vector<std::pair<ObjectKey, InForce>> in_force(Kind kind) const;

   private:
    using ModelObjects = std::vector<model::Object>;
    /// The state before the newest one, as the object tells it.
    struct Fallback {
        ModelObjects objects;
        InForce standing;
        ModelObjects newest;  // empty: the newest state cannot even be decoded
        InForce newest_standing;
    };

    void put_one(const std::string& origin, ModelObjects objects, InForce standing);
    void remove_one(const std::string& origin);
    void note_taken(const std::vector<std::string>& origins);
    void fall_back();
    void log_new_problems();

    manifest::Take take_;
    manifest::Offers offers_;
    std::map<std::string, InForce> in_force_;
    std::map<std::string, InForce> offered_;                       // and not taken yet
    std::set<std::string> removing_;                               // of these
    std::map<std::string, std::vector<model::Problem>> decoding_;  // what decoding found
    std::map<std::string, Fallback> fallbacks_;
    std::set<std::string> logged_;
};

}  // namespace directfaas::kube
