// SPDX-License-Identifier: Apache-2.0
// The source on a cluster: chains, Services, EndpointSlices and NetworkPolicies of all namespaces,
// this node's pods, and of the other nodes' pods only those of entries, for a function's instances
// are in its EndpointSlices already.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/source/source.h"
#include "lib/kube/http_transport.h"
#include "lib/kube/reflector.h"
#include "lib/util/event_loop.h"

namespace directfaas::source {

struct KubeOptions {
    std::string node_name;
    std::string cluster;  // for messages: the apiserver's URL
    kube::MakeTransport make_transport;
    kube::ReflectorOptions reflector;
    /// With more kinds of entry pods than this, all pods of other nodes are watched instead, by one
    /// watch.
    std::size_t max_entry_watches = 16;
};

class KubeSource final : public Source {
   public:
    /// Does not ask for anything yet. `loop` must outlive the source.
    KubeSource(util::EventLoop& loop, KubeOptions options, Replace replace);
    ~KubeSource() override;

    util::Result<void> start() override;
    /// Offers again what was refused. The watches need no help.
    void rescan() override;

    [[nodiscard]] std::vector<model::Problem> problems() const override;
    [[nodiscard]] std::size_t object_count() const override;
    /// Every watch has delivered its first list. Nothing is offered before.
    [[nodiscard]] bool complete() const override;
    [[nodiscard]] std::string unseen_policies() const override;
    [[nodiscard]] std::vector<ChainInForce> chains() const override;
    [[nodiscard]] std::vector<RefusedHere> refused_here() const override;
    [[nodiscard]] std::string uid_of(const std::string& object) const override;

   private:
    class Watches;

    std::unique_ptr<Watches> watches_;
};

}  // namespace directfaas::source
