// SPDX-License-Identifier: Apache-2.0
// In which order files are offered to a model. Files may depend on one another and may exchange
// objects, so what is refused now can be right together with another file, or after it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/model/model.h"

namespace directfaas::manifest {

/// Takes the new contents of all these origins (no objects: origin gone), or none of them and
/// returns why. Never called with an empty list.
using Take = std::function<std::vector<model::Problem>(std::vector<model::OriginContent>)>;

/// The newest state of origins that are not in force yet.
class Offers {
   public:
    /// Offers `objects` for `origin` from the next settle() on, instead of an older offer.
    void put(const std::string& origin, std::vector<model::Object> objects);
    void drop(const std::string& origin) { waiting_.erase(origin); }
    /// Treats the refused ones as new: the next settle() offers them together with what is.
    void renew();

    /// Offers what is new together, without those that are to blame if it is refused; then each
    /// refused one alone, and all of them together, until nothing more is taken. Returns the
    /// origins taken; the refused ones stay.
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
        bool fresh = true;  // never offered
    };
    using Group = std::map<std::string, Waiting*>;

    bool take_together(Group group, const Take& take, std::vector<std::string>& taken);
    bool take_each(const Take& take, std::vector<std::string>& taken);
    [[nodiscard]] Group group(bool only_fresh);

    std::map<std::string, Waiting> waiting_;
};

}  // namespace directfaas::manifest
