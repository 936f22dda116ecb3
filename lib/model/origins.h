// SPDX-License-Identifier: Apache-2.0
// Owns every object, by the origin it came from, and tells what new contents change.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/model/model.h"
#include "lib/model/object_index.h"

namespace directfaas::model {

/// One object that differs: before and after have the same kind and name, one of them may be
/// missing. An object that moves between origins is one that goes and one that comes.
struct ObjectChange {
    const Object* before = nullptr;
    const Object* after = nullptr;
};

class Origins {
   public:
    using Objects = std::vector<std::unique_ptr<const Object>>;  // by kind and name

    /// Contents that some origins are about to get. Owns the objects that are new; those that stay
    /// the same keep their place in memory.
    struct Staged {
        std::vector<std::pair<std::string, Objects>> fresh;  // by origin
        std::vector<ObjectChange> changes;
    };

    /// Compares, changes nothing. Fails if an object stands twice, here or in another origin.
    [[nodiscard]] std::expected<Staged, std::vector<Problem>> stage(
        std::vector<OriginContent> contents, const ObjectIndex& index) const;
    /// Makes it so. Frees each change's `before`.
    void commit(Staged staged);

   private:
    [[nodiscard]] const Objects& objects_of(const std::string& origin) const;
    [[nodiscard]] std::vector<Problem> duplicates(const std::vector<OriginContent>& contents,
                                                  const ObjectIndex& index) const;

    std::unordered_map<std::string, Objects> origins_;
};

}  // namespace directfaas::model
