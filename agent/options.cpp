// SPDX-License-Identifier: Apache-2.0
#include "agent/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <utility>

#include "agent/options_parser.h"
#include "agent/options_text.h"

namespace directfaas {
namespace {

constexpr const char* kConfigFile = "/etc/directfaas/agent.toml";
constexpr std::size_t kPodNetworksMax = 8;  // of the switch's config

constexpr const char* kExamples = R"(Examples:
  directfaas-agent
      what the unit file runs: manifests of /etc/directfaas/manifests, sockets under /run/directfaas
  directfaas-agent --source-dir ./shop --pod-network 10.244.0.0/16 --activator-exec ./start-instance
      try a directory; start an instance with `./start-instance shop ratings` when one is called
  directfaas-agent --source kubernetes --node-name "$NODE_NAME" --pod-network 10.244.0.0/16
      on a cluster, in a pod of its own on each node
  directfaas-agent --check
      what this machine can do, and how to mend what it cannot

Every option with a value may stand in the config file, without its dashes:
  source-dir = "/srv/manifests"
  pod-network = ["10.244.0.0/16", "fd00:244::/56"]

The agent may end or be killed at any time: the switch goes on without it. Only
`directfaas-agent --remove` or `dfctl detach --all` take it out of the kernel.)";

std::string host_name() {
    std::array<char, 256> buffer{};
    return gethostname(buffer.data(), buffer.size() - 1) == 0 ? buffer.data() : "";
}

/// The parser with all options, and what it fills. Not copied: the parser keeps addresses.
struct CommandLine {
    OptionParser parser{"The agent of one node: makes the switch follow the manifests.", kExamples};
    AgentOptions options;
    bool check = false;
    bool remove = false;
    bool mount_bpffs = false;

    CommandLine();
    void add_node();
    void add_switch();
    void add_limits();
    void add_activation();
    void add_service();
    void add_tasks();
    [[nodiscard]] Task task() const;
};

void CommandLine::add_node() {
    parser.group("Node and manifests");
    parser.text("--instance", "NAME",
                "names what this agent leaves in the kernel (default: --node-name)",
                options.instance, is_instance_name,
                "1 to 63 letters, digits, `.`, `_`, `-`, not `.` or `-` first");
    parser.text(
        "--node-name", "NAME", "pods with another spec.nodeName are remote (default: host name)",
        options.node_name, [](const auto& word) { return !word.empty() && word.size() <= 253; },
        "the node's name, 1 to 253 characters");
    parser.choice<SourceKind>(
        "--source", "directory (default) with manifests, or kubernetes: the apiserver",
        options.source,
        {{"directory", SourceKind::kDirectory}, {"kubernetes", SourceKind::kKubernetes}});
    parser.text("--kubeconfig", "PATH",
                "how the apiserver is reached (default: the service account of the agent's pod)",
                options.kubeconfig, is_absolute_path, "an absolute path");
    parser.text(
        "--source-dir", "PATH",
        fmt::format("directory with manifests (default {})", options.source_dir),
        options.source_dir, [](const auto& word) { return !word.empty(); },
        "the path of a directory");
    parser.repeatable(
        "--pod-network", "CIDR",
        "where pods have their addresses; no vIP may lie in it; repeatable",
        [this](const auto& word) -> std::string {
            const auto prefix = util::IpPrefix::parse(word);
            if (!prefix) {
                return "is no network. Allowed: a prefix such as 10.244.0.0/16 or fd00:244::/56";
            }
            if (options.pod_networks.size() == kPodNetworksMax) {
                return fmt::format("is one too many. Allowed: {} networks", kPodNetworksMax);
            }
            options.pod_networks.push_back(*prefix);
            return "";
        });
}

void CommandLine::add_switch() {
    parser.group("Switch");
    parser.choice<BackendKind>("--backend", "ebpf (default), or ovs: a bridge of Open vSwitch",
                               options.backend,
                               {{"ebpf", BackendKind::kEbpf}, {"ovs", BackendKind::kOvs}});
    parser.text("--ovs-bridge", "NAME",
                fmt::format("the bridge that the pods hang on (default {})", options.ovs_bridge),
                options.ovs_bridge, is_interface_name, "an interface's name, 1 to 15 characters");
    parser.text("--ovs-run-dir", "PATH",
                fmt::format("sockets of Open vSwitch (default {})", options.ovs_run_dir),
                options.ovs_run_dir, is_absolute_path, "an absolute path");
    parser.text("--bpffs", "PATH", fmt::format("bpf file system (default {})", options.bpffs),
                options.bpffs, is_absolute_path, "an absolute path");
    parser.choice<bool>("--deny", "refuse (default): RST or ICMP; drop: silence",
                        options.deny_silently, {{"refuse", false}, {"drop", true}});
    parser.choice<FastPathKind>(
        "--fast-path",
        "auto (default): between pods of this node past its stack, where nothing would be "
        "bypassed; on: as auto, though the cluster has kinds of policies that the agent does not "
        "follow (docs/security.md); off: never",
        options.fast_path,
        {{"auto", FastPathKind::kAuto}, {"on", FastPathKind::kOn}, {"off", FastPathKind::kOff}});
    parser.choice<bool>(
        "--bypass",
        "what is known to send packets past the switch (programs of Cilium or Calico on the pods' "
        "interfaces, balancing of Services at the socket) makes the agent not ready: refuse "
        "(default), or accept: its settings were looked at",
        options.accept_bypass, {{"refuse", false}, {"accept", true}});
    parser.choice<AttachKind>(
        "--attach", "auto (default): tcx where the kernel has it, else clsact", options.attach,
        {{"auto", AttachKind::kAuto}, {"tcx", AttachKind::kTcx}, {"clsact", AttachKind::kClsact}});
    parser.repeatable("--uplink", "DEV",
                      "drop what comes in by this device and claims to be a vIP or a pod of this "
                      "node; repeatable",
                      [this](const auto& word) -> std::string {
                          if (!is_interface_name(word)) {
                              return "is no interface. Allowed: a name of 1 to 15 characters";
                          }
                          options.uplinks.push_back(word);
                          return "";
                      });
    parser.choice<UplinkKind>(
        "--uplink-mode", "where that is done: generic (default), or native: in the driver",
        options.uplink_mode, {{"generic", UplinkKind::kGeneric}, {"native", UplinkKind::kNative}});
    parser.choice<bool>("--uplink-pods",
                        "routed (default): pods of other nodes come in by an uplink with their own "
                        "address; tunnelled: never, so drop what claims to be one",
                        options.tunnelled, {{"routed", false}, {"tunnelled", true}});
    parser.number("--tc-priority", "of our filters, where clsact is used", options.tc_priority, 1,
                  65535);
}

void CommandLine::add_limits() {
    parser.group("Limits (an existing table keeps its size until --remove)");
    constexpr std::uint32_t most = 16U << 20;
    parser.number("--max-functions", "functions and entries of the cluster", options.max_functions,
                  16, most);
    parser.number("--max-endpoints", "ports of instances of the cluster", options.max_endpoints, 16,
                  most);
    parser.number("--max-edges", "allowed pairs of the cluster", options.max_edges, 16, most);
    parser.number("--max-connections",
                  "table entries, two for each end of a connection on this node",
                  options.max_connections, 1024, most);
    constexpr auto any = std::numeric_limits<std::uint32_t>::max();
    parser.number("--budget-rate", "new connections per second and pod, 0: any",
                  options.budget_rate, 0, any);
    parser.number("--budget-burst", "of those, how many at once", options.budget_burst, 1, any);
    parser.number("--budget-live", "connections of one pod, 0: any", options.budget_live, 0, any);
    parser.number("--event-rate", "denials told per second and CPU", options.event_rate, 1,
                  1000000);
}

void CommandLine::add_activation() {
    parser.group("No instance: hold and activation");
    parser.text("--activator-exec", "PATH",
                "program that starts an instance: PATH NAMESPACE FUNCTION", options.activator_exec,
                is_absolute_path, "an absolute path");
    parser.duration("--activation-timeout", "how long that program may run",
                    options.activation_timeout);
    parser.duration("--hold-deadline", "how long a call waits for an instance",
                    options.hold_deadline);
    parser.number("--hold-max-per-function", "calls that wait for one function",
                  options.hold_max_per_function, 1, 1000000);
    parser.number("--hold-max-total", "calls that wait in all", options.hold_max_total, 1, 1000000);
}

void CommandLine::add_service() {
    parser.group("Sockets and log");
    parser.text("--socket", "PATH", "for dfctl (default /run/directfaas/INSTANCE.sock)",
                options.socket, is_socket_path, "an absolute path of at most 107 characters");
    parser.add(
        "--http-listen", "ADDR:PORT",
        "/metrics, /healthz and /readyz (default 127.0.0.1:9467), or off",
        [this](const auto& word) -> std::string {
            const auto address = parse_http_address(word);
            if (!address) {
                return "is no address to listen on. Allowed: 127.0.0.1:9467, [::1]:9467, or off";
            }
            options.http = *address;
            return "";
        });
    parser.choice<util::log::Level>("--log-level", "debug, info (default), warning or error",
                                    options.log_level,
                                    {{"debug", util::log::Level::kDebug},
                                     {"info", util::log::Level::kInfo},
                                     {"warning", util::log::Level::kWarning},
                                     {"error", util::log::Level::kError}});
    parser.choice<util::log::Format>(
        "--log-format", "text (default, with journald priorities) or json", options.log_format,
        {{"text", util::log::Format::kText}, {"json", util::log::Format::kJson}});
    parser.config_file(kConfigFile);
}

void CommandLine::add_tasks() {
    parser.group("Instead of running");
    auto* check_flag = parser.flag(
        "--check", "say what this machine can do; status 0 only if it is enough", check);
    auto* remove_flag =
        parser.flag("--remove", "take all of this instance out of the kernel", remove);
    remove_flag->excludes(check_flag);
    parser
        .flag("--mount-bpffs", "mount a bpf file system at --bpffs, unless there is one",
              mount_bpffs)
        ->excludes(check_flag)
        ->excludes(remove_flag);
    parser.duration("--drain",
                    "leave new calls to the stack, let open ones end for so long, then as --remove",
                    options.drain);
    parser
        .choice<bool>("-o,--output", "of --check: table (default) or json", options.check_as_json,
                      {{"table", false}, {"json", true}})
        ->needs(check_flag)
        ->configurable(false);
    parser.help_and_version("directfaas-agent " DF_VERSION);
}

Task CommandLine::task() const {
    if (check) {
        return Task::kCheck;
    }
    if (remove) {
        return Task::kRemove;
    }
    return mount_bpffs ? Task::kMountBpffs : Task::kRun;
}

CommandLine::CommandLine() {
    add_node();
    add_switch();
    add_limits();
    add_activation();
    add_service();
    add_tasks();
}

/// What depends on other options.
std::expected<void, Stop> complete(AgentOptions& options) {
    if (options.node_name.empty()) {
        options.node_name = host_name();
    }
    if (!options.kubeconfig.empty() && options.source != SourceKind::kKubernetes) {
        return std::unexpected(
            OptionParser::mistake("--kubeconfig is given, but the source is no cluster; add "
                                  "--source kubernetes"));
    }
    if (!options.uplinks.empty() && options.backend != BackendKind::kEbpf) {
        return std::unexpected(OptionParser::mistake(
            "--uplink is for the ebpf backend; with --backend ovs guard the uplink on the bridge"));
    }
    if (options.instance.empty()) {
        options.instance = options.node_name;
    }
    if (!is_instance_name(options.instance)) {
        return std::unexpected(OptionParser::mistake(
            fmt::format("the node's name `{}` cannot name an instance; choose one with --instance",
                        options.instance)));
    }
    if (options.socket.empty()) {
        options.socket = fmt::format("/run/directfaas/{}.sock", options.instance);
    }
    return {};
}

}  // namespace

std::expected<AgentOptions, Stop> parse_options(std::vector<std::string> arguments) {
    CommandLine line;
    if (auto parsed = line.parser.parse(std::move(arguments)); !parsed) {
        return std::unexpected(parsed.error());
    }
    line.options.task = line.task();
    if (auto completed = complete(line.options); !completed) {
        return std::unexpected(completed.error());
    }
    return line.options;
}

}  // namespace directfaas
