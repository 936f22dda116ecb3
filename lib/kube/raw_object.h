// SPDX-License-Identifier: Apache-2.0
// What a list and a watch deliver: objects as text, with the few members that tell them apart.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/kube/api_error.h"
#include "lib/util/result.h"

namespace directfaas::kube {

/// Unique among the objects of one resource. `ns` is empty for those of the whole cluster.
struct ObjectKey {
    std::string ns;
    std::string name;

    [[nodiscard]] std::string text() const { return ns.empty() ? name : ns + "/" + name; }
    auto operator<=>(const ObjectKey&) const = default;
};

/// `text` is a view of what was received; an item of a list lacks kind and apiVersion.
struct RawObject {
    ObjectKey key;
    std::string uid;
    std::string resource_version;
    std::int64_t generation = 0;  // of the desired state; 0: the kind has none
    std::string_view text;
};

struct ListPage {
    std::string resource_version;
    std::string continuation;  // metadata.continue; empty: this was the last page
    std::vector<RawObject> items;
};

enum class EventType : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };

struct WatchEvent {
    EventType type = EventType::kError;
    RawObject object;  // of a bookmark only its resource_version
    ApiError error;    // kError
};

util::Result<RawObject> read_object(std::string_view text);
util::Result<ListPage> read_list(std::string_view text);
util::Result<WatchEvent> read_event(std::string_view line);

}  // namespace directfaas::kube
