// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/install/network_list.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace directfaas::cni_install {
namespace {

bool has_text(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() && !found->get<std::string>().empty();
}

bool is_ours(const Json& plugin) { return plugin["type"] == kPluginType; }

bool is_plugin(const Json& item) { return item.is_object() && has_text(item, "type"); }

/// No network nests like this. Laid out anew, deep text grows by the square of its depth.
constexpr int kMaxDepth = 100;

util::Result<Json> read_json(std::string_view text) {
    try {
        return Json::parse(text, [](int depth, Json::parse_event_t, Json&) {
            return depth <= kMaxDepth ? true : throw std::length_error("it is nested too deep");
        });
    } catch (const std::exception& error) {
        return util::fail(std::string("it is no JSON: ") + error.what());
    }
}

}  // namespace

util::Result<NetworkList> NetworkList::parse(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) {
        return util::fail("it begins with a byte order mark");
    }
    auto read = read_json(text);
    if (!read) {
        return std::unexpected(read.error());
    }
    auto& object = *read;
    if (!object.is_object() || !has_text(object, "name")) {
        return util::fail("it is no JSON object with a name");
    }
    NetworkList network;
    if (!object.contains("plugins")) {
        if (!is_plugin(object) || is_ours(object)) {
            return util::fail("it has neither plugins nor a type of another's plugin");
        }
        network.was_single = true;
        network.list["name"] = object["name"];
        if (object.contains("cniVersion")) {
            network.list["cniVersion"] = object["cniVersion"];
        }
        network.list["plugins"] = Json::array({std::move(object)});
        return network;
    }
    const auto& plugins = object["plugins"];
    if (!plugins.is_array() || !std::ranges::all_of(plugins, is_plugin)) {
        return util::fail("its plugins are no list of objects with a type");
    }
    if (std::ranges::all_of(plugins, is_ours)) {
        return util::fail("it names no plugin of another");
    }
    network.list = std::move(object);
    return network;
}

std::string NetworkList::name() const { return list["name"].get<std::string>(); }

std::size_t NetworkList::copies() const {
    return static_cast<std::size_t>(std::ranges::count_if(list["plugins"], is_ours));
}

bool NetworkList::put(const Json& entry) {
    auto& plugins = list["plugins"];
    if (copies() == 1 && plugins.back() == entry) {
        return false;
    }
    take_out();
    plugins.push_back(entry);
    return true;
}

bool NetworkList::take_out() {
    auto rest = Json::array();
    for (auto& plugin : list["plugins"]) {
        if (!is_ours(plugin)) {
            rest.push_back(plugin);
        }
    }
    const bool changed = rest.size() != list["plugins"].size();
    list["plugins"] = std::move(rest);
    return changed;
}

std::string NetworkList::text() const { return list.dump(2) + "\n"; }

}  // namespace directfaas::cni_install
