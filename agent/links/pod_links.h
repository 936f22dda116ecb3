// SPDX-License-Identifier: Apache-2.0
// Finds the interface of each local pod and follows it: netlink and the bookkeeping put together.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/links/carrier.h"
#include "agent/links/monitor.h"
#include "agent/links/resolver.h"
#include "lib/util/event_loop.h"
#include "lib/util/result.h"

namespace directfaas::links {

struct PodLinksOptions {
    MonitorOptions monitor;
    /// What is not found is looked for again this often, some each time: not every change of
    /// routing is announced.
    std::chrono::milliseconds retry{1000};
    std::size_t retry_count = 128;
};

/// Single-threaded, on the loop's thread; the network namespace is that of create()'s caller.
class PodLinks {
   public:
    /// `changed` as Resolver::Changed.
    static util::Result<std::unique_ptr<PodLinks>> create(util::EventLoop& loop,
                                                          Resolver::Changed changed,
                                                          PodLinksOptions options);
    PodLinks(const PodLinks&) = delete;
    PodLinks& operator=(const PodLinks&) = delete;
    ~PodLinks();

    /// Reads the interfaces there are and watches from then on.
    util::Result<void> start() { return monitor_->start(); }

    void want(const std::vector<WantedPod>& pods) { resolver_.want(pods); }
    [[nodiscard]] std::optional<FoundLink> found(const std::string& pod) const {
        return resolver_.found(pod);
    }
    [[nodiscard]] std::vector<UnattachedPod> unattached() const { return resolver_.unattached(); }

   private:
    PodLinks(util::EventLoop& loop, CarrierProbe carrier, Resolver::Changed changed);

    util::EventLoop& loop_;
    CarrierProbe carrier_;
    Resolver resolver_;
    std::unique_ptr<Monitor> monitor_;
    util::EventLoop::TimerId retry_ = 0;
};

}  // namespace directfaas::links
