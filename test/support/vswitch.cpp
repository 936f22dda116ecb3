// SPDX-License-Identifier: Apache-2.0
#include "test/support/vswitch.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "test/support/command.h"
#include "test/support/wait.h"

namespace directfaas::support {
namespace {

constexpr const char* kSchema = "/usr/share/openvswitch/vswitch.ovsschema";
constexpr const char* kOurCookies = "cookie=0xdfaa000000000000/0xffff000000000000";

void end(pid_t& pid) {
    if (pid > 0) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        pid = -1;
    }
}

std::string run(const std::vector<std::string>& words, const Netns& netns) {
    const CommandResult result = run_command(words, {.netns = netns.fd()});
    if (result.status != 0) {
        throw SupportError(fmt::format("{}: {}", fmt::join(words, " "), result.output));
    }
    return result.output;
}

}  // namespace

std::string ovs_datapath() {
    const char* chosen = std::getenv("DIRECTFAAS_TEST_OVS_DATAPATH");
    return chosen != nullptr ? chosen : "netdev";
}

VSwitch::VSwitch(const Netns& node, const std::string& name, const std::string& mac)
    : node_(node), run_dir_((std::filesystem::temp_directory_path() / (name + "-ovs")).string()) {
    std::filesystem::create_directory(run_dir_);
    run({"ovsdb-tool", "create", run_dir_ + "/conf.db", kSchema}, node_);
    start_database();
    start_switch();
    vsctl({"add-br", bridge_, "--", "set", "bridge", bridge_, "datapath_type=" + ovs_datapath(),
           "fail_mode=standalone", "other_config:hwaddr=" + mac});
    node_.ip({fmt::format("link set {} up", bridge_)});
}

VSwitch::~VSwitch() {
    end(switch_pid_);
    end(database_pid_);
    std::error_code ignored;
    std::filesystem::remove_all(run_dir_, ignored);
}

std::vector<std::string> VSwitch::with_environment(std::vector<std::string> words) const {
    std::vector<std::string> all{"env", "OVS_RUNDIR=" + run_dir_, "OVS_LOGDIR=" + run_dir_,
                                 "OVS_DBDIR=" + run_dir_};
    std::ranges::move(words, std::back_inserter(all));
    return all;
}

void VSwitch::start_database() {
    database_pid_ = start_program(
        with_environment({"ovsdb-server", run_dir_ + "/conf.db", "--remote=p" + database(),
                          "--pidfile=" + run_dir_ + "/ovsdb-server.pid", "-vconsole:warn"}),
        node_.fd(), run_dir_ + "/ovsdb-server.out");
    const auto init = with_environment({"ovs-vsctl", "--db=" + database(), "--no-wait", "init"});
    if (!wait_until([&] { return run_command(init, {.netns = node_.fd()}).status == 0; })) {
        throw SupportError("ovsdb-server does not start");
    }
}

void VSwitch::start_switch() {
    switch_pid_ = start_program(
        with_environment({"ovs-vswitchd", database(), "--pidfile=" + run_dir_ + "/ovs-vswitchd.pid",
                          "-vconsole:off", "--log-file=" + run_dir_ + "/ovs-vswitchd.log"}),
        node_.fd(), run_dir_ + "/ovs-vswitchd.out");
    if (!wait_until([&] { return std::filesystem::exists(run_dir_ + "/ovs-vswitchd.pid"); })) {
        throw SupportError("ovs-vswitchd does not start:\n" + log());
    }
}

void VSwitch::kill_switch() {
    end(switch_pid_);
    std::filesystem::remove(run_dir_ + "/ovs-vswitchd.pid");
}

void VSwitch::kill_database() {
    end(database_pid_);
    std::filesystem::remove(run_dir_ + "/ovsdb-server.pid");
}

void VSwitch::vsctl(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{"ovs-vsctl", "--db=" + database(), "--timeout=20"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    run(with_environment(words), node_);
}

std::string VSwitch::ofctl(const std::string& command,
                           const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{"ovs-ofctl", "-OOpenFlow15", command,
                                   run_dir_ + "/" + bridge_ + ".mgmt"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(with_environment(words), node_);
}

std::string VSwitch::appctl(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{"ovs-appctl"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(with_environment(words), node_);
}

bool VSwitch::has_our_flows() const {
    return ofctl("dump-flows", {kOurCookies}).find("cookie=0xdfaa") != std::string::npos;
}

void VSwitch::add_port(const std::string& interface) { vsctl({"add-port", bridge_, interface}); }

void VSwitch::remove_port(const std::string& interface) {
    vsctl({"--if-exists", "del-port", bridge_, interface});
}

std::string VSwitch::log() const {
    std::ifstream file(run_dir_ + "/ovs-vswitchd.log");
    std::ostringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    constexpr std::size_t kEnd = 6000;
    return all.size() > kEnd ? all.substr(all.size() - kEnd) : all;
}

void leave_nothing_to_the_device(const Netns& netns, const std::string& interface) {
    if (ovs_datapath() != "netdev") {
        return;
    }
    netns.run([&] {
        const util::UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        ethtool_value off{};
        off.cmd = ETHTOOL_STXCSUM;
        ifreq request{};
        std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
        request.ifr_data = reinterpret_cast<char*>(&off);
        if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) {
            throw_errno("switch off checksum offload of " + interface);
        }
    });
}

}  // namespace directfaas::support
