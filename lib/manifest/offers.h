// SPDX-License-Identifier: Apache-2.0
// In which order files are offered to a model. Files may depend on one another and may exchange
// objects, so what is refused now can be right once another file is taken.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/model/objects.h"

namespace directfaas::manifest {

/// Takes all objects of one origin (none: origin gone), or returns why it does not.
using Take = std::function<std::vector<model::Problem>(const std::string& origin,
                                                       std::vector<model::Object> objects)>;

/// The newest state of origins that are not in force yet.
class Offers {
   public:
    /// Offers `objects` for `origin` from the next settle() on, instead of an older offer.
    void put(const std::string& origin, std::vector<model::Object> objects);
    void drop(const std::string& origin) { waiting_.erase(origin); }

    /// Offers all in the order of their names, the refused ones again, until no more is taken.
    /// Returns the origins taken; the refused ones stay.
    std::vector<std::string> settle(const Take& take);

    [[nodiscard]] bool refused(const std::string& origin) const {
        return waiting_.contains(origin);
    }
    /// Why the last settle() refused; empty if it did not.
    [[nodiscard]] std::vector<model::Problem> problems(const std::string& origin) const;

   private:
    struct Waiting {
        std::vector<model::Object> objects;
        std::vector<model::Problem> problems;
    };

    std::map<std::string, Waiting> waiting_;
};

}  // namespace directfaas::manifest
