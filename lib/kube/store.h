// SPDX-License-Identifier: Apache-2.0
// What an informer delivers, and a store for those who keep it.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/kube/raw_object.h"

namespace directfaas::kube {

/// The newest state of one object; nothing: it is gone. Several events in short order may have
/// become one change.
template <typename T>
struct Change {
    ObjectKey key;
    std::optional<T> object;
    /// Another object of the same name was there before: it has another uid.
    bool recreated = false;
};

template <typename T>
class Store {
   public:
    void apply(std::vector<Change<T>> changes) {
        for (auto& change : changes) {
            if (change.object) {
                objects_.insert_or_assign(std::move(change.key), std::move(*change.object));
            } else {
                objects_.erase(change.key);
            }
        }
    }
    [[nodiscard]] const std::map<ObjectKey, T>& objects() const { return objects_; }
    [[nodiscard]] const T* find(const ObjectKey& key) const {
        const auto found = objects_.find(key);
        return found == objects_.end() ? nullptr : &found->second;
    }

   private:
    std::map<ObjectKey, T> objects_;
};

}  // namespace directfaas::kube
