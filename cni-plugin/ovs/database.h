// SPDX-License-Identifier: Apache-2.0
// Open vSwitch's database (RFC 7047) over its unix socket: ports of a bridge and whom they are for.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "cni-plugin/call.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cni::ovs {

/// A container's interface, as the runtime names it.
struct Attachment {
    std::string container;
    std::string interface_name;

    bool operator==(const Attachment&) const = default;
};

struct Port {
    std::string name;
    Attachment attachment;
};

/// Errors are one sentence.
class Database {
   public:
    static std::expected<Database, std::string> open(const std::string& socket_path);

    /// The bridge's datapath_type; nothing if there is no such bridge.
    std::expected<std::optional<std::string>, std::string> datapath(const std::string& bridge);
    /// Returns when ovs-vswitchd has taken the port.
    std::expected<void, std::string> add_port(const std::string& bridge, const Port& port);
    /// Nothing happens if there is none.
    std::expected<void, std::string> remove_port(const std::string& name);
    /// Those that this plugin has added.
    std::expected<std::vector<Port>, std::string> ports();

   private:
    std::expected<Json, std::string> transact(const std::vector<Json>& operations);

    util::UniqueFd socket_;
};

}  // namespace directfaas::cni::ovs
