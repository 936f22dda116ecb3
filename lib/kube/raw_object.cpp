// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/raw_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/kube/json_text.h"
#include "lib/util/number.h"

namespace directfaas::kube {
namespace {

constexpr std::size_t kShown = 120;

std::unexpected<util::Error> not_understood(std::string_view what, std::string_view text) {
    return util::fail(fmt::format("{} is not understood: {}", what, text.substr(0, kShown)));
}

constexpr std::array<std::pair<std::string_view, EventType>, 5> kTypes{
    {{"ADDED", EventType::kAdded},
     {"MODIFIED", EventType::kModified},
     {"DELETED", EventType::kDeleted},
     {"BOOKMARK", EventType::kBookmark},
     {"ERROR", EventType::kError}}};

}  // namespace

util::Result<RawObject> read_object(std::string_view text) {
    RawObject object;
    object.text = text;
    const auto metadata = json::member(text, "metadata");
    const bool whole =
        metadata && json::members(*metadata, [&](std::string_view name, std::string_view value) {
            if (name == "name") {
                object.key.name = json::text(value);
            } else if (name == "namespace") {
                object.key.ns = json::text(value);
            } else if (name == "uid") {
                object.uid = json::text(value);
            } else if (name == "resourceVersion") {
                object.resource_version = json::text(value);
            } else if (name == "generation") {
                object.generation = util::parse_number<std::int64_t>(value).value_or(0);
            }
            return true;
        });
    if (!whole) {
        return not_understood("an object", text);
    }
    return object;
}

util::Result<ListPage> read_list(std::string_view text) {
    ListPage page;
    const auto metadata = json::member(text, "metadata");
    if (!metadata) {
        return not_understood("the list", text);
    }
    page.resource_version = json::text_member(*metadata, "resourceVersion");
    page.continuation = json::text_member(*metadata, "continue");
    const auto items = json::member(text, "items");  // absent or null: empty
    util::Result<void> read;
    const bool whole = json::members(text, [](auto, auto) { return true; }) &&
                       (!items || json::elements(*items, [&](std::string_view item) {
                           auto object = read_object(item);
                           if (!object || object->key.name.empty()) {
                               read = object ? not_understood("an item", item)
                                             : util::Result<void>(std::unexpected(object.error()));
                               return false;
                           }
                           page.items.push_back(std::move(*object));
                           return true;
                       }));
    if (!read) {
        return std::unexpected(read.error());
    }
    if (!whole || page.resource_version.empty()) {
        return not_understood("the list", text);
    }
    return page;
}

util::Result<WatchEvent> read_event(std::string_view line) {
    WatchEvent event;
    const auto type = json::text_member(line, "type");
    const auto* known = std::ranges::find(kTypes, type, &decltype(kTypes)::value_type::first);
    const auto object = json::member(line, "object");
    if (known == kTypes.end() || !object) {
        return not_understood("an event", line);
    }
    event.type = known->second;
    if (event.type == EventType::kError) {
        event.error = status_error(*object);
        return event;
    }
    auto read = read_object(*object);
    if (!read) {
        return std::unexpected(read.error());
    }
    if (read->resource_version.empty() ||
        (event.type != EventType::kBookmark && read->key.name.empty())) {
        return not_understood("an event", line);
    }
    event.object = std::move(*read);
    return event;
}

}  // namespace directfaas::kube
