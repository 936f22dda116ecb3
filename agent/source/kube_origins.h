// SPDX-License-Identifier: Apache-2.0
// Objects of an apiserver on their way into the model: which are offered, which are in force, and
// what is wrong with the rest.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "agent/source/source.h"
#include "lib/kube/model_objects.h"
#include "lib/manifest/offers.h"

namespace directfaas::source {

class KubeOrigins {
   public:
    explicit KubeOrigins(Replace replace) : replace_(std::move(replace)) {}

    /// The newest state of an object. If it is wrong, an earlier state stays in force.
    void put(const std::string& origin, kube::ModelObject object);
    void remove(const std::string& origin);

    /// Offers what is new, and again what was refused.
    void settle();
    /// Treats what was refused as new.
    void renew() { offers_.renew(); }

    [[nodiscard]] std::vector<model::Problem> problems() const;
    [[nodiscard]] std::size_t object_count() const { return in_force_.size(); }

   private:
    void log_new_problems();

    Replace replace_;
    manifest::Offers offers_;
    std::unordered_set<std::string> in_force_;
    std::set<std::string> offered_;                                // and not taken yet
    std::set<std::string> removing_;                               // of these
    std::map<std::string, std::vector<model::Problem>> decoding_;  // what decoding found
    std::set<std::string> logged_;
};

}  // namespace directfaas::source
