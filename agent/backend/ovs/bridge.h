// SPDX-License-Identifier: Apache-2.0
// The bridge that is the node's virtual switch, and the ovs-vswitchd that runs it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backend/ovs/json_rpc.h"
#include "agent/backend/ovs/openflow.h"

namespace directfaas::backend::ovs {

/// Where they are found.
struct BridgeOptions {
    std::string name;     ///< of the bridge
    std::string run_dir;  ///< sockets and pid files of Open vSwitch: /run/openvswitch
};

/// What carries the packets: ovs-vswitchd itself, or the kernel's openvswitch module.
enum class Datapath : std::uint8_t { kUserspace, kKernel };

/// Which one the output of `ovs-appctl dpif/show` names for a bridge.
Datapath read_datapath(std::string_view shown, std::string_view bridge);

class Bridge {
   public:
    explicit Bridge(BridgeOptions options) : options_(std::move(options)) {}

    /// Connects, or connects again.
    util::Result<void> open();
    [[nodiscard]] bool connected() const { return openflow_.connected(); }
    [[nodiscard]] const BridgeOptions& options() const { return options_; }

    /// Makes the change true; returns when packets follow it.
    util::Result<void> commit(const Change& change);
    /// Waits until the datapath's cache agrees with the flows, and the flows' counters with the
    /// datapath's.
    util::Result<void> settle();
    util::Result<void> execute(std::vector<Bytes> messages) {
        return openflow_.execute(std::move(messages));
    }
    util::Result<std::vector<FoundFlow>> flows(std::uint8_t table = 0xff) {
        return openflow_.flows(table, kCookieMagic, kCookieMagicMask);
    }
    /// Those of a table whose owner's number is `slice` modulo `slices`, which is a power of two.
    util::Result<std::vector<FoundFlow>> flows(std::uint8_t table, unsigned slice,
                                               unsigned slices) {
        return openflow_.flows(table, kCookieMagic | slice, kCookieMagicMask | (slices - 1));
    }
    /// Reads the ports anew.
    util::Result<void> read_ports();
    /// By interface name; LOCAL is not among them.
    [[nodiscard]] const std::map<std::string, std::uint32_t>& ports() const { return ports_; }
    [[nodiscard]] const Mac& mac() const { return mac_; }
    [[nodiscard]] Datapath datapath() const { return datapath_; }
    util::Result<std::map<std::uint32_t, std::uint64_t>> meter_drops() {
        return openflow_.meter_drops();
    }
    /// Answers the switch's own questions; an error means that it is gone.
    util::Result<void> serve();

    /// What `ovs-appctl COMMAND ARGUMENTS` does.
    util::Result<std::string> control(const std::string& command,
                                      const std::vector<std::string>& arguments);
    [[nodiscard]] std::string management_socket() const {
        return options_.run_dir + "/" + options_.name + ".mgmt";
    }
    [[nodiscard]] std::string database_socket() const { return options_.run_dir + "/db.sock"; }

   private:
    util::Result<JsonRpc> open_control() const;
    util::Result<void> wait_once();

    BridgeOptions options_;
    OpenFlow openflow_;
    std::map<std::string, std::uint32_t> ports_;
    Mac mac_{};
    Datapath datapath_ = Datapath::kUserspace;
    std::uint32_t turn_ = 0;
};

}  // namespace directfaas::backend::ovs
