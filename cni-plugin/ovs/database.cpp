// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/ovs/database.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lib/util/result.h"

namespace directfaas::cni::ovs {
namespace {

constexpr const char* kContainer = "directfaas-container";
constexpr const char* kInterface = "directfaas-interface";
/// The kubelet gives up long after this.
constexpr int kPatienceMs = 4000;

/// [[column, function, value]]
Json where(const char* column, const char* function, const Json& value) {
    return Json::array({Json::array({column, function, value})});
}

Json set_of(const Json& value) { return Json::array({"set", Json::array({value})}); }

Json external_ids(const Attachment& attachment) {
    return Json::array(
        {"map", Json::array({Json::array({kContainer, attachment.container}),
                             Json::array({kInterface, attachment.interface_name})})});
}

std::string in_map(const Json& map, const char* key) {
    for (const auto& pair : map.at(1)) {
        if (pair.at(0) == key) {
            return pair.at(1).get<std::string>();
        }
    }
    return {};
}

/// Another transaction of ours has nothing to wait for, but ovs-vswitchd looks at this number.
Json next_configuration() {
    return {{"op", "mutate"},
            {"table", "Open_vSwitch"},
            {"where", Json::array()},
            {"mutations", Json::array({Json::array({"next_cfg", "+=", 1})})}};
}

Json select(const char* table, const Json& condition, const Json& columns) {
    return {{"op", "select"}, {"table", table}, {"where", condition}, {"columns", columns}};
}

}  // namespace

std::expected<Database, std::string> Database::open(const std::string& socket_path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof(address.sun_path)) {
        return std::unexpected("the path of Open vSwitch's database socket is too long");
    }
    socket_path.copy(address.sun_path, socket_path.size());
    Database database;
    database.socket_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = kPatienceMs / 1000 + 1, .tv_usec = 0};
    setsockopt(database.socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!database.socket_.valid() ||
        connect(database.socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) !=
            0) {
        return std::unexpected(
            util::with_errno("connect to Open vSwitch's database at " + socket_path));
    }
    return database;
}

std::expected<Json, std::string> Database::transact(const std::vector<Json>& operations) {
    Json params = Json::array({"Open_vSwitch"});
    for (const auto& operation : operations) {
        params.push_back(operation);
    }
    const auto request =
        Json{{"method", "transact"}, {"params", std::move(params)}, {"id", 1}}.dump();
    if (send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
        return std::unexpected(util::with_errno("ask Open vSwitch's database"));
    }
    std::string received;
    std::array<char, 65536> piece{};
    while (!Json::accept(received)) {
        const auto got = recv(socket_.get(), piece.data(), piece.size(), 0);
        if (got <= 0) {
            return std::unexpected(got == 0
                                       ? "Open vSwitch's database closed the connection"
                                       : util::with_errno("read from Open vSwitch's database"));
        }
        received.append(piece.data(), static_cast<std::size_t>(got));
    }
    const auto answer = Json::parse(received);
    auto results = answer.value("result", Json::array());
    for (const auto& result : results) {
        if (result.is_object() && result.contains("error")) {
            return std::unexpected("Open vSwitch's database: " + result.value("error", "") + " " +
                                   result.value("details", ""));
        }
    }
    if (!results.is_array() || results.size() < operations.size()) {
        return std::unexpected("Open vSwitch's database refused: " + received);
    }
    return results;
}

std::expected<std::optional<std::string>, std::string> Database::datapath(
    const std::string& bridge) {
    const auto found =
        transact({select("Bridge", where("name", "==", bridge), Json::array({"datapath_type"}))});
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto& rows = found->at(0).at("rows");
    return rows.empty() ? std::nullopt
                        : std::optional(rows.at(0).at("datapath_type").get<std::string>());
}

std::expected<void, std::string> Database::add_port(const std::string& bridge, const Port& port) {
    const auto ids = external_ids(port.attachment);
    const auto done = transact(
        {Json{{"op", "insert"},
              {"table", "Interface"},
              {"row", {{"name", port.name}, {"external_ids", ids}}},
              {"uuid-name", "new_interface"}},
         Json{{"op", "insert"},
              {"table", "Port"},
              {"row",
               {{"name", port.name},
                {"external_ids", ids},
                {"interfaces", Json::array({"named-uuid", "new_interface"})}}},
              {"uuid-name", "new_port"}},
         Json{{"op", "mutate"},
              {"table", "Bridge"},
              {"where", where("name", "==", bridge)},
              {"mutations",
               Json::array({Json::array(
                   {"ports", "insert", set_of(Json::array({"named-uuid", "new_port"}))})})}},
         next_configuration()});
    if (!done) {
        return std::unexpected(done.error());
    }
    if (done->at(2).value("count", 0) != 1) {  // what nobody refers to is gone by itself
        return std::unexpected("there is no bridge " + bridge);
    }
    const auto taken = transact(
        {Json{{"op", "wait"},
              {"timeout", kPatienceMs},
              {"table", "Interface"},
              {"where", where("name", "==", port.name)},
              {"columns", Json::array({"ofport"})},
              {"until", "!="},
              {"rows", Json::array({Json{{"ofport", Json::array({"set", Json::array()})}}})}},
         select("Interface", where("name", "==", port.name), Json::array({"ofport", "error"}))});
    if (!taken) {
        return std::unexpected("ovs-vswitchd does not take port " + port.name + ": " +
                               taken.error());
    }
    const auto& row = taken->at(1).at("rows").at(0);
    if (!row.at("ofport").is_number() || row.at("ofport") < 0) {
        return std::unexpected("ovs-vswitchd refuses port " + port.name + ": " +
                               row.at("error").dump());
    }
    return {};
}

std::expected<void, std::string> Database::remove_port(const std::string& name) {
    const auto found =
        transact({select("Port", where("name", "==", name), Json::array({"_uuid"}))});
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto& rows = found->at(0).at("rows");
    if (rows.empty()) {
        return {};
    }
    const auto uuid = set_of(rows.at(0).at("_uuid"));
    const auto done =
        transact({Json{{"op", "mutate"},
                       {"table", "Bridge"},
                       {"where", where("ports", "includes", uuid)},
                       {"mutations", Json::array({Json::array({"ports", "delete", uuid})})}},
                  next_configuration()});
    return done ? std::expected<void, std::string>() : std::unexpected(done.error());
}

std::expected<std::vector<Port>, std::string> Database::ports() {
    const auto found =
        transact({select("Port", Json::array(), Json::array({"name", "external_ids"}))});
    if (!found) {
        return std::unexpected(found.error());
    }
    std::vector<Port> ours;
    for (const auto& row : found->at(0).at("rows")) {
        const auto& ids = row.at("external_ids");
        const Attachment attachment{in_map(ids, kContainer), in_map(ids, kInterface)};
        if (!attachment.container.empty()) {
            ours.push_back({row.at("name").get<std::string>(), attachment});
        }
    }
    return ours;
}

}  // namespace directfaas::cni::ovs
