// SPDX-License-Identifier: Apache-2.0
// An Open vSwitch of a simulated node's own: ovsdb-server, ovs-vswitchd and one bridge, all in the
// node's namespace and in a folder of their own. The system's service is not involved.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "test/support/netns.h"

namespace directfaas::support {

/// The datapath of every bridge: "netdev", in userspace, or what the environment's
/// DIRECTFAAS_TEST_OVS_DATAPATH says ("system": the kernel's).
std::string ovs_datapath();

class VSwitch {
   public:
    /// Starts it, with a bridge that is up and has the MAC address `mac`. `node` must outlive it.
    VSwitch(const Netns& node, const std::string& name, const std::string& mac);
    VSwitch(const VSwitch&) = delete;
    VSwitch& operator=(const VSwitch&) = delete;
    ~VSwitch();

    void add_port(const std::string& interface);
    void remove_port(const std::string& interface);

    [[nodiscard]] const std::string& bridge() const { return bridge_; }
    [[nodiscard]] const std::string& run_dir() const { return run_dir_; }
    /// What `ovs-ofctl COMMAND BRIDGE ARGUMENTS` prints.
    [[nodiscard]] std::string ofctl(const std::string& command,
                                    const std::vector<std::string>& arguments = {}) const;
    void vsctl(const std::vector<std::string>& arguments) const;
    /// What `ovs-appctl ARGUMENTS` prints.
    [[nodiscard]] std::string appctl(const std::vector<std::string>& arguments) const;
    /// Whether flows of DirectFaaS are in the bridge.
    [[nodiscard]] bool has_our_flows() const;

    /// Process of ovs-vswitchd.
    [[nodiscard]] pid_t switch_pid() const { return switch_pid_; }
    /// SIGKILL to ovs-vswitchd; start_switch() starts it again.
    void kill_switch();
    void start_switch();
    /// The same for ovsdb-server.
    void kill_database();
    void start_database();
    /// The end of ovs-vswitchd's log.
    [[nodiscard]] std::string log() const;

   private:
    [[nodiscard]] std::vector<std::string> with_environment(std::vector<std::string> words) const;
    [[nodiscard]] std::string database() const { return "unix:" + run_dir_ + "/db.sock"; }

    const Netns& node_;
    std::string bridge_ = "br0";
    std::string run_dir_;
    pid_t database_pid_ = -1;
    pid_t switch_pid_ = -1;
};

/// Makes the interface complete every checksum and cut every segment itself (`ethtool -K NAME tx
/// off`), if that is needed: the userspace datapath does neither.
void leave_nothing_to_the_device(const Netns& netns, const std::string& interface);

}  // namespace directfaas::support
