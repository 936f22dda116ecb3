// SPDX-License-Identifier: Apache-2.0
// directfaas-uninstall: before DirectFaaS is deleted from a cluster, its agents are exchanged for
// pods that take it off their node; what this waits for. It deletes nothing itself.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>

#include "lib/kube/cluster_access.h"
#include "lib/kube/httplib_transport.h"
#include "lib/util/log.h"
#include "uninstall/rollout.h"

namespace {

using namespace directfaas;

struct Options {
    std::string daemonset = "directfaas-agent";
    std::string patch;
    int timeout = 600;
};

std::optional<std::string> variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

util::Result<void> exchange(const Options& options) {
    const auto access = kube::in_cluster(variable);
    if (!access) {
        return std::unexpected(access.error());
    }
    const auto patch = kube::read_credential(options.patch);
    if (!patch) {
        return util::pass(patch.error(), "--patch");
    }
    kube::Client client(kube::transports_to(*access)());
    return uninstall::roll_out(client, access->ns, options.daemonset, *patch,
                               {.timeout = std::chrono::seconds(options.timeout)});
}

/// What a node's clean pod does until it is deleted.
int idle() {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    int number = 0;
    sigwait(&ends, &number);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Takes DirectFaaS off every node of a cluster, before its objects are deleted");
    app.require_subcommand(1);
    auto* nodes = app.add_subcommand("nodes", "exchange the agents for pods that clean their node");
    nodes->add_option("--daemonset", options.daemonset, "of the agents, in this pod's namespace");
    nodes->add_option("--patch", options.patch, "file with the JSON merge patch")->required();
    nodes->add_option("--timeout", options.timeout, "seconds to wait for all nodes")
        ->check(CLI::Range(1, 86400));
    auto* idle_command = app.add_subcommand("idle", "wait for SIGTERM");
    CLI11_PARSE(app, argc, argv);
    if (*idle_command) {
        return idle();
    }
    if (const auto done = exchange(options); !done) {
        util::log::error("{}", done.error().text());
        return 1;
    }
    return 0;
}
