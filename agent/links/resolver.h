// SPDX-License-Identifier: Apache-2.0
// Which interface a pod is behind. Pure bookkeeping over what netlink reports; asks for routes
// through a function, so it is tested without a kernel.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/links/link.h"
#include "lib/util/address.h"

namespace directfaas::links {

/// A pod whose interface is to be found, by name if one is given, else by the route to its
/// addresses.
struct WantedPod {
    std::string pod;  // unique, only printed
    std::vector<util::IpAddress> ips;
    std::string interface_name;

    auto operator<=>(const WantedPod&) const = default;
};

/// The host's end of a pod's veth. Without carrier at this moment, the pod cannot have sent
/// anything yet.
struct FoundLink {
    unsigned ifindex = 0;
    bool carrier = true;

    auto operator<=>(const FoundLink&) const = default;
};

struct UnattachedPod {
    std::string pod;
    std::string why;

    auto operator<=>(const UnattachedPod&) const = default;
};

/// Keeps the answer for each pod current as pods, links and routes come and go.
class Resolver {
   public:
    using LookUp = std::function<std::optional<Route>(const util::IpAddress&)>;
    /// Nothing: the pod has no interface any more. A pod that moves to another interface, or to a
    /// new one with the old number, is first reported without one.
    using Changed = std::function<void(const std::string& pod, std::optional<FoundLink>)>;

    /// Asked where the last news of an interface says that it has none.
    using HasCarrier = std::function<bool(unsigned ifindex)>;

    Resolver(LookUp look_up, HasCarrier has_carrier, Changed changed);

    /// All pods of interest. Those that are new or different are resolved now; those that are not
    /// named any more are reported without an interface and forgotten.
    void want(const std::vector<WantedPod>& pods);

    void link_added(const Link& link);  // or changed
    void link_removed(unsigned ifindex);
    /// All links there are, after the first dump or after events were lost.
    void links_replaced(const std::vector<Link>& links);
    void route_changed(const util::IpPrefix& destination);
    /// Looks once more for some of what is not found yet, at most `count` pods, others each time:
    /// a thousand pods without an interface must not hold up the rest.
    void retry(std::size_t count);

    [[nodiscard]] std::optional<FoundLink> found(const std::string& pod) const;
    [[nodiscard]] std::vector<UnattachedPod> unattached() const;  // sorted by pod

   private:
    struct Pod {
        WantedPod wanted;
        std::optional<FoundLink> found;
        std::string why;  // not found
    };
    using Answer = std::expected<unsigned, std::string>;
    enum class WhenMissing { kKeep, kLose };

    void consider(Pod& pod, WhenMissing when_missing);
    void set(Pod& pod, unsigned ifindex);
    void lose(Pod& pod, std::string why);
    void forget_link(unsigned ifindex);
    [[nodiscard]] Answer look_for(const Pod& pod) const;
    [[nodiscard]] Answer by_name(const Pod& pod) const;
    [[nodiscard]] Answer by_route(const Pod& pod) const;
    [[nodiscard]] Answer by_route_to(const util::IpAddress& address) const;
    [[nodiscard]] Answer usable(const Pod& pod, const Link& link) const;

    LookUp look_up_;
    HasCarrier has_carrier_;
    Changed changed_;
    std::map<std::string, Pod> pods_;
    std::string retried_;  // the pod that was last looked for by retry()
    std::map<unsigned, Link> links_;
    std::map<std::string, unsigned> names_;   // of links_
    std::map<unsigned, std::string> owners_;  // ifindex -> pod that has it
};

}  // namespace directfaas::links
