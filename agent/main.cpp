// SPDX-License-Identifier: Apache-2.0
// directfaas-agent: parse, wire, run.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/pins.h"
#include "agent/backend/ovs/ovs_backend.h"
#include "agent/control/checks.h"
#include "agent/options.h"
#include "agent/wiring.h"
#include "lib/util/event_loop.h"
#include "lib/util/log.h"

namespace {

using namespace directfaas;

constexpr int kFailed = 1;

backend::ebpf::AttachMode attach_mode(AttachKind kind) {
    switch (kind) {
        case AttachKind::kTcx:
            return backend::ebpf::AttachMode::kTcx;
        case AttachKind::kClsact:
            return backend::ebpf::AttachMode::kClsact;
        case AttachKind::kAuto:
            break;
    }
    return backend::ebpf::AttachMode::kAuto;
}

backend::ebpf::Options ebpf_options(const AgentOptions& options) {
    backend::ebpf::Options ebpf;
    ebpf.instance = options.instance;
    ebpf.bpffs = options.bpffs;
    ebpf.max_functions = options.max_functions;
    ebpf.max_endpoints = options.max_endpoints;
    ebpf.max_edges = options.max_edges;
    ebpf.max_connections = options.max_connections;
    ebpf.attach = attach_mode(options.attach);
    ebpf.tc_priority = options.tc_priority;
    ebpf.uplinks = {.devices = options.uplinks,
                    .mode = options.uplink_mode == UplinkKind::kNative
                                ? backend::ebpf::UplinkMode::kNative
                                : backend::ebpf::UplinkMode::kGeneric};
    return ebpf;
}

backend::ovs::Options ovs_options(const AgentOptions& options) {
    backend::ovs::Options ovs;
    ovs.instance = options.instance;
    ovs.bridge = options.ovs_bridge;
    ovs.run_dir = options.ovs_run_dir;
    ovs.max_connections = options.max_connections;
    return ovs;
}

bool on_ovs(const AgentOptions& options) { return options.backend == BackendKind::kOvs; }

util::Result<std::unique_ptr<backend::Backend>> make_backend(const AgentOptions& options) {
    return on_ovs(options) ? backend::ovs::create(ovs_options(options))
                           : backend::ebpf::create(ebpf_options(options));
}

int check(const AgentOptions& options) {
    const auto found = on_ovs(options) ? backend::ovs::probe_node(ovs_options(options))
                                       : backend::ebpf::probe_node(ebpf_options(options));
    const control::Json answer{{"checks", control::checks_json(found)}};
    fmt::print("{}", options.check_as_json ? answer.dump() + "\n" : control::checks_table(found));
    return control::enough(found) ? 0 : kFailed;
}

int mount_bpffs(const AgentOptions& options) {
    if (auto mounted = backend::ebpf::mount_bpffs(options.bpffs); !mounted) {
        util::log::error("{}", mounted.error().text());
        return kFailed;
    }
    fmt::print("{} is a bpf file system\n", options.bpffs);
    return 0;
}

int remove(const AgentOptions& options) {
    auto removed = on_ovs(options) ? backend::ovs::remove_instance(ovs_options(options))
                                   : backend::ebpf::remove_instance(ebpf_options(options));
    if (!removed) {
        util::log::error("{}", removed.error().text());
        return kFailed;
    }
    fmt::print("instance {}: nothing is left in the {}\n", options.instance,
               on_ovs(options) ? "bridge" : "kernel");
    return 0;
}

int run(const AgentOptions& options) {
    signal(SIGPIPE, SIG_IGN);
    auto loop = util::EventLoop::create();
    if (!loop) {
        util::log::error("{}", loop.error().text());
        return kFailed;
    }
    std::unique_ptr<Agent> agent;
    auto watched = (*loop)->on_signals({SIGTERM, SIGINT, SIGHUP}, [&](int number) {
        if (number == SIGHUP) {
            agent->rescan();
        } else {
            (*loop)->stop();
        }
    });
    auto started = watched ? Agent::start(**loop, options, [&] { return make_backend(options); })
                           : std::unexpected(watched.error());
    if (!started) {
        util::log::error("{}", started.error().text());
        return kFailed;
    }
    agent = std::move(*started);
    if (auto ended = (*loop)->run(); !ended) {
        util::log::error("{}", ended.error().text());
        return kFailed;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse_options({argv + 1, argv + argc});
    if (!options) {
        fmt::print(options.error().exit_status == 0 ? stdout : stderr, "{}", options.error().text);
        return options.error().exit_status;
    }
    util::log::configure(options->log_level, options->log_format);
    switch (options->task) {
        case Task::kCheck:
            return check(*options);
        case Task::kRemove:
            return remove(*options);
        case Task::kMountBpffs:
            return mount_bpffs(*options);
        case Task::kRun:
            break;
    }
    return run(*options);
}
