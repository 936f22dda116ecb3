// SPDX-License-Identifier: Apache-2.0
// Where the objects come from.
#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "agent/source/directory_source.h"
#include "agent/source/kube_source.h"
#include "agent/wiring.h"
#include "lib/kube/httplib_transport.h"
#include "lib/util/log.h"

namespace directfaas {
namespace {

std::optional<std::string> environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

util::Result<kube::ClusterAccess> cluster_access(const AgentOptions& options) {
    return options.kubeconfig.empty() ? kube::in_cluster(environment)
                                      : kube::from_kubeconfig(options.kubeconfig);
}

}  // namespace

std::string Agent::no_fast_path() const {
    switch (options_.fast_path) {
        case FastPathKind::kOff:
            return "--fast-path off";
        case FastPathKind::kOn:
            return {};
        case FastPathKind::kAuto:
            return source_->unseen_policies();
    }
    return {};
}

/// Which kinds of policies a cluster has is known later than the agent begins, and may change.
void Agent::follow_policies() {
    const auto obstacle = no_fast_path();
    if (settings_.fast_path == obstacle.empty()) {
        return;
    }
    settings_.fast_path = obstacle.empty();
    util::log::info("fast path: {}", obstacle.empty() ? "in use" : "off, " + obstacle);
    if (auto configured = backend_->configure(settings_); !configured) {
        util::log::warning("fast path: {}; it is tried again", configured.error().text());
        settings_.fast_path = !settings_.fast_path;
    }
}

const char* Agent::source_kind() const {
    return options_.source == SourceKind::kDirectory ? "directory" : "kubernetes";
}

util::Result<void> Agent::open_source() {
    auto replace = [this](std::vector<model::OriginContent> contents) {
        return sync_->replace_all(std::move(contents));
    };
    if (options_.source == SourceKind::kDirectory) {
        source_place_ = options_.source_dir;
        auto source = source::DirectorySource::create(loop_, {.path = options_.source_dir},
                                                      std::move(replace));
        if (!source) {
            return std::unexpected(source.error());
        }
        source_ = std::move(*source);
        return {};
    }
    const auto access = cluster_access(options_);
    if (!access) {
        return util::pass(access.error(), "--source kubernetes");
    }
    source_place_ = access->url();
    source_ = std::make_unique<source::KubeSource>(
        loop_,
        source::KubeOptions{.node_name = options_.node_name,
                            .cluster = source_place_,
                            .make_transport = kube::transports_to(*access),
                            .reflector = {}},
        std::move(replace));
    node_state_ = std::make_unique<node_state::NodeStateWriter>(
        kube::transports_to(*access)(), node_state::WriterOptions{.node = options_.node_name});
    open_events(kube::transports_to(*access)());
    return {};
}

}  // namespace directfaas
