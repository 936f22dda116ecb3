// SPDX-License-Identifier: Apache-2.0
#include "agent/links/pod_links.h"

#include <utility>

namespace directfaas::links {

PodLinks::PodLinks(util::EventLoop& loop, CarrierProbe carrier, Resolver::Changed changed)
    : loop_(loop),
      carrier_(std::move(carrier)),
      resolver_([this](const util::IpAddress& address) { return monitor_->look_up(address); },
                [this](unsigned ifindex) { return carrier_.has_carrier(ifindex); },
                std::move(changed)) {}

util::Result<std::unique_ptr<PodLinks>> PodLinks::create(util::EventLoop& loop,
                                                         Resolver::Changed changed,
                                                         PodLinksOptions options) {
    auto carrier = CarrierProbe::open();
    if (!carrier) {
        return std::unexpected(carrier.error());
    }
    std::unique_ptr<PodLinks> self(new PodLinks(loop, std::move(*carrier), std::move(changed)));
    auto* resolver = &self->resolver_;
    LinkEvents events{
        .added = [resolver](const Link& link) { resolver->link_added(link); },
        .removed = [resolver](unsigned ifindex) { resolver->link_removed(ifindex); },
        .replaced = [resolver](const std::vector<Link>& all) { resolver->links_replaced(all); },
        .route_changed = [resolver](const util::IpPrefix& to) { resolver->route_changed(to); },
    };
    auto monitor = Monitor::create(loop, std::move(events), options.monitor);
    if (!monitor) {
        return std::unexpected(monitor.error());
    }
    self->monitor_ = std::move(*monitor);
    self->retry_ = loop.every(options.retry,
                              [resolver, count = options.retry_count] { resolver->retry(count); });
    return self;
}

PodLinks::~PodLinks() { loop_.cancel(retry_); }

}  // namespace directfaas::links
