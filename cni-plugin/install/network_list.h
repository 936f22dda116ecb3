// SPDX-License-Identifier: Apache-2.0
// The text of a network's configuration with our plugin in it, or without. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lib/util/result.h"

namespace directfaas::cni_install {

using Json = nlohmann::ordered_json;

inline constexpr const char* kPluginType = "directfaas-cni";

/// A network as a container runtime accepts it: plain JSON, no comments, no byte order mark. A
/// single plugin's file is read as a list of one.
struct NetworkList {
    Json list;
    bool was_single = false;

    /// Fails, and says why, if a runtime would pass over the file, or if it names no plugin but
    /// ours.
    static util::Result<NetworkList> parse(std::string_view text);
    [[nodiscard]] std::string name() const;
    /// How often our plugin is in it.
    [[nodiscard]] std::size_t copies() const;
    /// Ours once, last, as `entry` says. Everything else stays. Returns whether anything changed.
    bool put(const Json& entry);
    /// Returns whether anything changed.
    bool take_out();
    [[nodiscard]] std::string text() const;
};

}  // namespace directfaas::cni_install
