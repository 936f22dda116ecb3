// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/bridge.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "agent/backend/ovs/tables.h"

namespace directfaas::backend::ovs {

using util::Result;

/// "TYPE@NAME: ..." and below it, indented, each of its bridges: "  BRIDGE:".
Datapath read_datapath(std::string_view shown, std::string_view bridge) {
    const std::string wanted = fmt::format("  {}:", bridge);
    std::string_view type;
    while (!shown.empty()) {
        const auto line = shown.substr(0, shown.find('\n'));
        if (!line.starts_with(' ')) {
            type = line.substr(0, line.find('@'));
        } else if (line == wanted) {
            break;
        }
        shown.remove_prefix(std::min(line.size() + 1, shown.size()));
    }
    return type == "system" ? Datapath::kKernel : Datapath::kUserspace;
}

Result<void> Bridge::open() {
    auto opened = OpenFlow::open(management_socket());
    if (!opened) {
        return util::pass(opened.error(),
                          fmt::format("bridge {} (is ovs-vswitchd running, and is there such a "
                                      "bridge? `ovs-vsctl add-br {}` makes one)",
                                      options_.name, options_.name));
    }
    openflow_ = std::move(*opened);
    const auto shown = control("dpif/show", {});
    if (!shown) {
        return std::unexpected(shown.error());
    }
    datapath_ = read_datapath(*shown, options_.name);
    return read_ports();
}

Result<void> Bridge::read_ports() {
    const auto found = openflow_.ports();
    if (!found) {
        return std::unexpected(found.error());
    }
    ports_.clear();
    for (const FoundPort& port : *found) {
        if (port.number == kPortLocal) {
            mac_ = port.mac;
        } else {
            ports_[port.name] = port.number;
        }
    }
    return {};
}

Result<void> Bridge::serve() {
    return openflow_.receive([](Header, std::span<const std::uint8_t>) {});
}

Result<void> Bridge::commit(const Change& change) {
    if (change.empty()) {
        return {};
    }
    if (auto done = openflow_.commit(change); !done) {
        return done;
    }
    return settle();
}

Result<JsonRpc> Bridge::open_control() const {
    std::ifstream file(options_.run_dir + "/ovs-vswitchd.pid");
    long pid = 0;
    if (!(file >> pid)) {
        return util::fail(fmt::format("{}/ovs-vswitchd.pid: not there; is ovs-vswitchd running?",
                                      options_.run_dir));
    }
    return JsonRpc::open(fmt::format("{}/ovs-vswitchd.{}.ctl", options_.run_dir, pid));
}

Result<std::string> Bridge::control(const std::string& command,
                                    const std::vector<std::string>& arguments) {
    auto socket = open_control();
    if (!socket) {
        return std::unexpected(socket.error());
    }
    auto answer = socket->call(command, Json(arguments));
    if (!answer) {
        return util::pass(answer.error(), command);
    }
    return answer->is_string() ? answer->get<std::string>() : answer->dump();
}

/// Lets the revalidators go over the datapath's cache once more. They do so at the latest after
/// half a second; a flow that changes, even one that no packet meets, makes them do it now.
Result<void> Bridge::wait_once() {
    auto socket = open_control();
    if (!socket) {
        return std::unexpected(socket.error());
    }
    if (auto asked = socket->ask("revalidator/wait", Json::array()); !asked) {
        return asked;
    }
    Flow nothing{table::kNever, 0, cookie(Owner::kPipeline, 1), {}, {}};
    nothing.actions = Actions().note(fmt::format("turn {}", ++turn_)).bytes();
    if (auto sent = openflow_.execute({put_flow(nothing)}); !sent) {
        return sent;
    }
    if (auto answer = socket->answer(); !answer) {
        return util::pass(answer.error(), "revalidator/wait");
    }
    return {};
}

/// A round that was under way when it was asked for may have passed some flows already; the one
/// after it has not.
Result<void> Bridge::settle() {
    if (auto first = wait_once(); !first) {
        return first;
    }
    return wait_once();
}

}  // namespace directfaas::backend::ovs
