// SPDX-License-Identifier: Apache-2.0
#include "bench/big_application.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "bench/agent_figures.h"
#include "test/support/wait.h"

namespace directfaas::bench {
namespace {

constexpr const char* kBridgeMac = "ee:ee:ee:ee:ee:ee";

}  // namespace

BigApplication::BigApplication(unsigned namespaces, Backend backend)
    : namespaces_(namespaces),
      node_("bench-node"),
      vswitch_(backend == Backend::kOvs
                   ? std::make_unique<support::VSwitch>(node_, "bench", kBridgeMac)
                   : nullptr),
      directory_((std::filesystem::temp_directory_path() / "manifests").string()),
      agent_(node_, {.instance = instance_,
                     .node_name = "bench",
                     .manifests = directory_,
                     .pod_networks = {"10.128.0.0/9"},
                     .vswitch = vswitch_.get(),
                     .more = {"--log-level", "warning"}}) {
    std::filesystem::create_directory(directory_);
}

BigApplication::~BigApplication() { agent_.kill(); }

std::string BigApplication::pin(const std::string& name) const { return pinned(agent_, name); }

std::string BigApplication::file(unsigned ns) const {
    return fmt::format("{}/n{}.json", directory_, ns);
}

void BigApplication::prepare(unsigned ns, const NamespaceState& state) {
    std::ofstream(aside()) << namespace_manifest(ns, state);
}

void BigApplication::put(unsigned ns) {
    if (std::rename(aside().c_str(), file(ns).c_str()) != 0) {
        support::throw_errno("rename to " + file(ns));
    }
}

double BigApplication::start() {
    const auto begin = std::chrono::steady_clock::now();
    agent_.launch();
    agent_.wait_ready();
    if (!support::wait_until([&] { return served() == functions(); })) {
        throw support::SupportError(fmt::format("the agent serves {} of {} functions:\n{}",
                                                served(), functions(), agent_.log()));
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double BigApplication::agent_mib(const std::string& label) const {
    return memory_mib(agent_, label);
}

std::size_t BigApplication::served() const { return functions_served(agent_); }

}  // namespace directfaas::bench
