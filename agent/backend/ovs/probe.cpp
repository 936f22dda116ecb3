// SPDX-License-Identifier: Apache-2.0
// What the bridge can do, and what about it deserves a look.
#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "agent/backend/ovs/bridge.h"
#include "agent/backend/ovs/ovs_backend.h"

namespace directfaas::backend::ovs {
namespace {

Capability fine(const char* name, bool required, std::string detail) {
    return {name, true, required, std::move(detail), ""};
}

/// One row of a table of the database.
util::Result<Json> select_row(JsonRpc& database, const char* table, const Json& where,
                              const Json& columns) {
    const auto answer = database.call(
        "transact",
        Json::array(
            {"Open_vSwitch",
             Json{{"op", "select"}, {"table", table}, {"where", where}, {"columns", columns}}}));
    if (!answer) {
        return std::unexpected(answer.error());
    }
    const auto& rows = answer->at(0).value("rows", Json::array());
    return rows.empty() ? Json(nullptr) : rows.at(0);
}

/// ["set", []] is the database's way to say "none".
bool is_none(const Json& value) {
    return value.is_array() && value.size() == 2 && value[0] == "set" && value[1].empty();
}

Capability datapath_type(const std::string& type) {
    if (type == "netdev") {
        return fine("datapath", false,
                    "userspace (netdev): works everywhere, much slower than the kernel's. Pods "
                    "must not leave checksums to the device: `ethtool -K eth0 tx off` in each");
    }
    return fine("datapath", false, "kernel (system)");
}

Capability controller(const Json& bridge, const std::string& name) {
    if (is_none(bridge["controller"])) {
        return fine("foreign_controller", false, "none");
    }
    return {
        "foreign_controller", false, false, "another controller is set",
        fmt::format("it may change flows of ours; `ovs-vsctl del-controller {}` unsets it", name)};
}

Capability fail_mode(const Json& bridge, const std::string& name) {
    if (bridge["fail_mode"] == "secure") {
        return fine("fail_mode", false, "secure: without flows nothing passes");
    }
    return {"fail_mode", false, false,
            "standalone: after a restart of ovs-vswitchd everything passes, unjudged, until the "
            "agent has put its flows in again",
            fmt::format("`ovs-vsctl set-fail-mode {} secure`", name)};
}

void add_database(const Bridge& bridge, std::vector<Capability>& list) {
    const auto& name = bridge.options().name;
    auto database = JsonRpc::open(bridge.database_socket());
    const auto row =
        database ? select_row(*database, "Bridge", Json::array({Json::array({"name", "==", name})}),
                              Json::array({"datapath_type", "controller", "fail_mode"}))
                 : util::Result<Json>(std::unexpected(database.error()));
    if (!row || row->is_null()) {
        list.push_back({"database", false, false, row ? "no bridge " + name : row.error().text(),
                        "ovsdb-server must run, and know the bridge"});
        return;
    }
    list.push_back(fine("database", false, "ovsdb-server answers"));
    list.push_back(datapath_type((*row)["datapath_type"].get<std::string>()));
    list.push_back(controller(*row, name));
    list.push_back(fail_mode(*row, name));
}

Capability zones(Bridge& bridge) {
    // Asking about a zone is possible only where the connection tracker has limits for zones.
    const auto limits = bridge.control("dpctl/ct-get-limits", {"zone=53248"});
    return limits ? fine("zone_limits", true, "a pod cannot fill the connection tracker for others")
                  : Capability{"zone_limits", false, true, limits.error().text(),
                               "the datapath must be able to limit connections by zone: Linux "
                               "4.18 or later, or the userspace datapath"};
}

/// With the kernel's datapath ovs-vswitchd lists and ends connections through the kernel's netlink
/// interface to them, a module of its own.
Capability connections(Bridge& bridge) {
    const auto listed = bridge.control("dpctl/dump-conntrack", {"zone=65535"});
    return listed ? fine("connection_list", true, "connections can be listed and ended")
                  : Capability{"connection_list", false, true, listed.error().text(),
                               "what may no longer reach its instance or edge cannot be ended: "
                               "`modprobe nf_conntrack_netlink` on the node"};
}

/// 3.1's tracker of connections in userspace holds the answers' entry of a closed connection, so
/// that a source port used again soon goes out as another one, and sometimes the call is lost.
Capability tracker(Bridge& bridge) {
    constexpr std::pair<unsigned, unsigned> kTried{3, 5};
    const auto answer = bridge.control("version", {});
    const auto shown = answer ? *answer : answer.error().text();
    std::pair<unsigned, unsigned> version;
    static_cast<void>(std::sscanf(shown.c_str(), "ovs-vswitchd (Open vSwitch) %u.%u",
                                  &version.first, &version.second));
    auto detail = shown.substr(0, shown.find('\n'));
    return version >= kTried
               ? fine("userspace_tracker", false, std::move(detail))
               : Capability{"userspace_tracker", false, false, std::move(detail),
                            "where callers use source ports again within 45 s, 3.1 loses a call "
                            "in some thousands; 3.5 does not"};
}

}  // namespace

std::vector<Capability> probe_node(const Options& options) {
    std::vector<Capability> list;
    Bridge bridge({options.bridge, options.run_dir});
    const auto opened = bridge.open();
    list.push_back(opened
                       ? fine("bridge", true, fmt::format("{} speaks OpenFlow 1.5", options.bridge))
                       : Capability{"bridge", false, true, opened.error().text(),
                                    "start Open vSwitch and make the bridge, or name another with "
                                    "--ovs-bridge and --ovs-run-dir"});
    add_database(bridge, list);
    if (opened) {
        list.push_back(zones(bridge));
        list.push_back(connections(bridge));
        if (bridge.datapath() == Datapath::kUserspace) {
            list.push_back(tracker(bridge));
        }
    }
    list.push_back({"request_counts", false, false,
                    "Open vSwitch counts connections and bytes, not who closed them, handshake "
                    "times or requests: those series are absent",
                    "use --backend ebpf where they are needed"});
    return list;
}

}  // namespace directfaas::backend::ovs
