// SPDX-License-Identifier: Apache-2.0
// directfaas-cni-install: puts the plugin and its configuration on a node and keeps them there.
// A signal ends it without any clean-up: only `uninstall` takes anything away.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "cni-plugin/install/files.h"
#include "cni-plugin/install/network_dir.h"
#include "lib/util/log.h"
#include "lib/util/unique_fd.h"

namespace {

namespace fs = std::filesystem;
namespace log = directfaas::util::log;
using namespace directfaas::cni_install;
using directfaas::util::Result;
using directfaas::util::UniqueFd;

constexpr int kSafetyNetMs = 30000;
constexpr int kSoonMs = 500;

struct Options {
    std::string config_dir = "/etc/cni/net.d";
    std::string binary_dir = "/opt/cni/bin";
    std::string plugin = "/usr/libexec/directfaas/directfaas-cni";
    std::string socket = "/run/directfaas/agent.sock";
    std::string when_away = "Allow";
    std::vector<std::string> fail_namespaces;
    std::vector<std::string> allow_namespaces{"kube-system", "directfaas-system"};
    bool status_gates_node = false;
    bool drop_in = false;
    bool once = false;
};

Json entry_of(const Options& options) {
    return {{"type", kPluginType},
            {"socket", options.socket},
            {"onAgentUnavailable", options.when_away},
            {"failNamespaces", options.fail_namespaces},
            {"allowNamespaces", options.allow_namespaces},
            {"statusGatesNode", options.status_gates_node}};
}

std::string binary_path(const Options& options) {
    return (fs::path(options.binary_dir) / kPluginType).string();
}

Result<void> install_binary(const Options& options) {
    const auto wanted = read_file(options.plugin);
    if (!wanted) {
        return directfaas::util::fail_errno("read " + options.plugin);
    }
    if (read_file(binary_path(options)) == *wanted) {
        return {};
    }
    return write_file(binary_path(options), *wanted, 0755);
}

/// Says what is in the way once, and again when it has changed.
void tell_passed_over(const Options& options, const NetworkDir& dir, Done done) {
    static std::vector<std::string> told;
    auto lines = dir.passed_over();
    if (done == Done::kNoNetwork) {
        lines.push_back(options.config_dir +
                        ": no network to chain to yet; the main CNI plugin's "
                        "configuration is waited for");
    }
    if (lines == told) {
        return;
    }
    for (const auto& line : lines) {
        log::warning("{}", line);
    }
    told = std::move(lines);
}

/// One look at both: the binary first, as a listed but missing one fails every pod on the node.
/// Returns how long the next look may wait.
int look(const Options& options, NetworkDir& dir) {
    if (auto installed = install_binary(options); !installed) {
        log::error("{}", installed.error().text());
        return kSoonMs;
    }
    const auto done = dir.ensure(entry_of(options));
    if (!done) {
        log::error("{}", done.error().text());
        return kSoonMs;
    }
    tell_passed_over(options, dir, *done);
    if (*done == Done::kChanged) {
        log::info("{}: {} is chained", options.config_dir, kPluginType);
    }
    return *done == Done::kAgain ? 1 : kSafetyNetMs;
}

/// Waits for any change in the directory, at most `patience`.
void wait_for_change(int watch, int patience) {
    pollfd ready{.fd = watch, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, patience) > 0) {
        std::array<char, 65536> events{};
        while (read(watch, events.data(), events.size()) > 0) {
        }
    }
}

int keep(const Options& options, NetworkDir& dir) {
    const UniqueFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    for (;;) {
        // Before the look, so that no change falls between the two. Watching twice is once; a
        // directory that was made anew gets its watch here.
        const int watched = inotify_add_watch(
            watch.get(), options.config_dir.c_str(),
            IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF);
        const int patience = look(options, dir);
        wait_for_change(watch.get(), watched < 0 ? kSoonMs : patience);
    }
}

int install(const Options& options, NetworkDir& dir) {
    remove_drafts(options.config_dir);
    remove_drafts(options.binary_dir);
    if (!options.once) {
        return keep(options, dir);
    }
    for (int patience = 1; patience == 1;) {
        patience = look(options, dir);
        if (patience == kSoonMs) {
            return 1;
        }
    }
    return 0;
}

/// The configuration first, then the binary.
int uninstall(const Options& options, NetworkDir& dir) {
    if (auto done = dir.withdraw(); !done) {
        log::error("{}; the plugin stays", done.error().text());
        return 1;
    }
    std::error_code error;
    fs::remove(binary_path(options), error);
    return error ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Chains directfaas-cni to a node's network");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--config-dir", options.config_dir, "where the runtime looks for networks");
    app.add_option("--binary-dir", options.binary_dir, "where the runtime looks for plugins");
    app.add_flag("--drop-in", options.drop_in,
                 "a file of our own below the network's name; needs a runtime with libcni 1.3");
    auto* install_command = app.add_subcommand("install", "install, and repair until killed");
    install_command->add_option("--plugin", options.plugin, "the binary to install");
    install_command->add_option("--socket", options.socket, "of the agent");
    install_command->add_option("--on-agent-unavailable", options.when_away, "Fail or Allow")
        ->check(CLI::IsMember({"Fail", "Allow"}));
    install_command->add_option("--fail-namespaces", options.fail_namespaces)->delimiter(',');
    install_command->add_option("--allow-namespaces", options.allow_namespaces)->delimiter(',');
    install_command->add_flag("--status-gates-node", options.status_gates_node);
    install_command->add_flag("--once", options.once, "install and end");
    auto* uninstall_command = app.add_subcommand("uninstall", "configuration, then binary");
    CLI11_PARSE(app, argc, argv);
    NetworkDir dir(options.config_dir, options.drop_in ? Method::kDropIn : Method::kInPlace);
    return uninstall_command->parsed() ? uninstall(options, dir) : install(options, dir);
}
