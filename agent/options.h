// SPDX-License-Identifier: Apache-2.0
// The command line and the config file of directfaas-agent, as checked values.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "lib/util/address.h"
#include "lib/util/log.h"

namespace directfaas {

enum class Task : std::uint8_t { kRun, kCheck, kRemove, kMountBpffs };
enum class SourceKind : std::uint8_t { kDirectory, kKubernetes };
enum class BackendKind : std::uint8_t { kEbpf, kOvs };
enum class UplinkKind : std::uint8_t { kGeneric, kNative };
enum class FastPathKind : std::uint8_t { kAuto, kOn, kOff };
enum class AttachKind : std::uint8_t { kAuto, kTcx, kClsact };

/// Where /metrics and health are served. Port 0: nowhere.
struct HttpAddress {
    std::string host = "127.0.0.1";
    std::uint16_t port = 9467;
};

struct AgentOptions {
    Task task = Task::kRun;
    bool check_as_json = false;
    SourceKind source = SourceKind::kDirectory;
    std::chrono::milliseconds drain{0};  // not 0: run only until no call is open, at most so long

    std::string instance;   // default: the node's name
    std::string node_name;  // default: the host's name
    std::string source_dir = "/etc/directfaas/manifests";
    std::string kubeconfig;  // empty: the service account of the pod
    std::vector<util::IpPrefix> pod_networks;

    std::string ovs_bridge = "br-directfaas";
    std::string ovs_run_dir = "/run/openvswitch";
    std::string bpffs = "/sys/fs/bpf";
    std::vector<std::string> uplinks;
    UplinkKind uplink_mode = UplinkKind::kGeneric;
    bool tunnelled = false;
    BackendKind backend = BackendKind::kEbpf;
    AttachKind attach = AttachKind::kAuto;
    bool deny_silently = false;
    FastPathKind fast_path = FastPathKind::kAuto;
    bool accept_bypass = false;
    std::uint32_t tc_priority = 1;
    std::uint32_t max_functions = 16384;
    std::uint32_t max_endpoints = 131072;
    std::uint32_t max_edges = 32768;
    std::uint32_t max_connections = 262144;
    std::uint32_t budget_rate = 20000;
    std::uint32_t budget_burst = 20000;
    std::uint32_t budget_live = 65536;
    std::uint32_t event_rate = 1000;

    std::string activator_exec;  // empty: nobody starts instances
    std::chrono::milliseconds activation_timeout{30000};
    std::chrono::milliseconds hold_deadline{30000};
    std::uint32_t hold_max_per_function = 1024;
    std::uint32_t hold_max_total = 8192;

    std::string socket;  // default: /run/directfaas/<instance>.sock
    HttpAddress http;
    util::log::Level log_level = util::log::Level::kInfo;
    util::log::Format log_format = util::log::Format::kText;
};

/// The command line asks for nothing to be run: print and end.
struct Stop {
    int exit_status = 0;  // 0: --help, --version; 2: a mistake
    std::string text;     // to standard output if the status is 0, else to standard error
};

/// Reads arguments (without the program's name), then the config file for what they leave open.
std::expected<AgentOptions, Stop> parse_options(std::vector<std::string> arguments);

}  // namespace directfaas
