// SPDX-License-Identifier: Apache-2.0
#include "agent/links/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace directfaas::links {
namespace {

constexpr std::size_t kRetries = 256;  // in one go
constexpr const char* kNameIt =
    "name the interface with the annotation directfaas.io/host-interface";

/// Whether two reports with the same number speak of the same interface. A veth that is made anew
/// differs in at least one of these, as the kernel hands out interface numbers in a circle.
bool same_device(const Link& one, const Link& other) {
    return one.name == other.name && one.kind == other.kind && one.peer == other.peer &&
           one.netnsid == other.netnsid;
}

}  // namespace

Resolver::Resolver(LookUp look_up, HasCarrier has_carrier, Changed changed)
    : look_up_(std::move(look_up)),
      has_carrier_(std::move(has_carrier)),
      changed_(std::move(changed)) {}

void Resolver::want(const std::vector<WantedPod>& pods) {
    std::set<std::string> named;
    std::vector<Pod*> to_consider;
    for (const auto& wanted : pods) {
        named.insert(wanted.pod);
        auto [place, added] = pods_.try_emplace(wanted.pod, Pod{wanted, {}, {}});
        if (added || place->second.wanted != wanted) {
            place->second.wanted = wanted;
            to_consider.push_back(&place->second);
        }
    }
    bool released = false;
    for (auto place = pods_.begin(); place != pods_.end();) {
        if (named.contains(place->first)) {
            ++place;
            continue;
        }
        released = released || place->second.found;
        lose(place->second, "");
        place = pods_.erase(place);
    }
    for (auto* pod : to_consider) {
        consider(*pod, WhenMissing::kLose);
    }
    if (released) {
        retry(kRetries);  // an interface may have become free
    }
}

void Resolver::link_added(const Link& link) {
    const auto known = links_.find(link.ifindex);
    const std::string old_name = known == links_.end() ? "" : known->second.name;
    links_[link.ifindex] = link;
    if (old_name == link.name) {
        return;
    }
    names_.erase(old_name);
    names_[link.name] = link.ifindex;
    // Pods that are found by route hear of it through route_changed(): routes come after links.
    // Who loses it comes first, so that it is free for who gets it.
    for (const auto& affected : {old_name, link.name}) {
        for (auto& [name, pod] : pods_) {
            if (!affected.empty() && pod.wanted.interface_name == affected) {
                consider(pod, WhenMissing::kLose);
            }
        }
    }
}

void Resolver::link_removed(unsigned ifindex) {
    if (!links_.contains(ifindex)) {
        return;
    }
    const auto owner = owners_.find(ifindex);
    const auto pod = owner == owners_.end() ? pods_.end() : pods_.find(owner->second);
    forget_link(ifindex);
    if (pod != pods_.end()) {
        consider(pod->second, WhenMissing::kLose);
    }
}

void Resolver::forget_link(unsigned ifindex) {
    const auto link = links_.extract(ifindex);
    const auto named = names_.find(link.mapped().name);
    if (named != names_.end() && named->second == ifindex) {
        names_.erase(named);
    }
    if (const auto owner = owners_.find(ifindex); owner != owners_.end()) {
        lose(pods_.at(owner->second), fmt::format("interface {} is gone", link.mapped().name));
    }
}

void Resolver::links_replaced(const std::vector<Link>& links) {
    std::map<unsigned, Link> present;
    for (const auto& link : links) {
        present.emplace(link.ifindex, link);
    }
    std::vector<unsigned> gone;
    for (const auto& [ifindex, link] : links_) {
        const auto now = present.find(ifindex);
        if (now == present.end() || !same_device(link, now->second)) {
            gone.push_back(ifindex);
        }
    }
    for (const auto ifindex : gone) {
        forget_link(ifindex);
    }
    links_ = std::move(present);
    names_.clear();
    for (const auto& [ifindex, link] : links_) {
        names_[link.name] = ifindex;
    }
    for (auto& [name, pod] : pods_) {
        consider(pod, WhenMissing::kKeep);
    }
}

void Resolver::route_changed(const util::IpPrefix& destination) {
    for (auto& [name, pod] : pods_) {
        const auto inside = [&](const auto& ip) { return destination.contains(ip); };
        if (pod.wanted.interface_name.empty() && std::ranges::any_of(pod.wanted.ips, inside)) {
            consider(pod, WhenMissing::kKeep);
        }
    }
}

void Resolver::retry(std::size_t count) {
    auto place = pods_.upper_bound(retried_);
    for (std::size_t seen = 0; seen < pods_.size() && count > 0; ++seen, ++place) {
        if (place == pods_.end()) {
            place = pods_.begin();
        }
        retried_ = place->first;
        if (!place->second.found) {
            consider(place->second, WhenMissing::kLose);
            --count;
        }
    }
}

std::optional<FoundLink> Resolver::found(const std::string& pod) const {
    const auto place = pods_.find(pod);
    return place == pods_.end() ? std::nullopt : place->second.found;
}

std::vector<UnattachedPod> Resolver::unattached() const {
    std::vector<UnattachedPod> pods;
    for (const auto& [name, pod] : pods_) {
        if (!pod.found) {
            pods.push_back({name, pod.why});
        }
    }
    return pods;
}

/// A pod whose interface is still there stays attached when only its route is gone (kKeep): a
/// route that flaps must not open a gap.
void Resolver::consider(Pod& pod, WhenMissing when_missing) {
    const auto answer = look_for(pod);
    if (answer && (!pod.found || pod.found->ifindex != *answer)) {
        set(pod, *answer);
    } else if (!answer && (!pod.found || when_missing == WhenMissing::kLose)) {
        lose(pod, answer.error());
    }
}

void Resolver::set(Pod& pod, unsigned ifindex) {
    lose(pod, "");
    pod.found = FoundLink{ifindex, links_.at(ifindex).carrier || has_carrier_(ifindex)};
    owners_[ifindex] = pod.wanted.pod;
    changed_(pod.wanted.pod, pod.found);
}

void Resolver::lose(Pod& pod, std::string why) {
    pod.why = std::move(why);
    if (const auto old = std::exchange(pod.found, std::nullopt)) {
        owners_.erase(old->ifindex);
        changed_(pod.wanted.pod, std::nullopt);
    }
}

Resolver::Answer Resolver::look_for(const Pod& pod) const {
    return pod.wanted.interface_name.empty() ? by_route(pod) : by_name(pod);
}

Resolver::Answer Resolver::by_name(const Pod& pod) const {
    const auto named = names_.find(pod.wanted.interface_name);
    if (named == names_.end()) {
        return std::unexpected(
            fmt::format("there is no interface {} (yet)", pod.wanted.interface_name));
    }
    return usable(pod, links_.at(named->second));
}

Resolver::Answer Resolver::by_route(const Pod& pod) const {
    std::string why = "it has no address yet";
    for (const auto& address : pod.wanted.ips) {
        auto answer = by_route_to(address);
        if (answer) {
            return usable(pod, links_.at(*answer));
        }
        why = answer.error();
    }
    return std::unexpected(why);
}

Resolver::Answer Resolver::by_route_to(const util::IpAddress& address) const {
    const auto ip = address.text();
    const auto route = look_up_(address);
    if (!route) {
        return std::unexpected(fmt::format("there is no route to {} (yet)", ip));
    }
    if (route->kind == Route::Kind::kLocal) {
        return std::unexpected(fmt::format(
            "{} is an address of this node: a pod in the host's network cannot be told apart", ip));
    }
    if (route->kind != Route::Kind::kUnicast || route->ifindex == 0) {
        return std::unexpected(
            fmt::format("the route to {} does not lead to one interface; {}", ip, kNameIt));
    }
    const auto link = links_.find(route->ifindex);
    const std::string name =
        link == links_.end() ? fmt::format("number {}", route->ifindex) : link->second.name;
    if (route->gateway) {
        return std::unexpected(fmt::format(
            "the route to {} goes through a gateway on {}: either the pod runs on another node, "
            "and its spec.nodeName should say so, or {}",
            ip, name, kNameIt));
    }
    if (route->prefix_bits == 0) {
        return std::unexpected(
            fmt::format("only the default route, on {}, leads to {}; {}", name, ip, kNameIt));
    }
    if (link == links_.end()) {
        return std::unexpected(fmt::format("interface {} is not known (yet)", name));
    }
    return route->ifindex;
}

Resolver::Answer Resolver::usable(const Pod& pod, const Link& link) const {
    if (link.kind != "veth") {
        return std::unexpected(
            fmt::format("{} is not a veth ({}), so other pods may be behind it too; {}", link.name,
                        link.kind.empty() ? "hardware or loopback" : link.kind, kNameIt));
    }
    const auto owner = owners_.find(link.ifindex);
    if (owner != owners_.end() && owner->second != pod.wanted.pod) {
        return std::unexpected(
            fmt::format("interface {} belongs to pod {}; one of the two should "
                        "be removed",
                        link.name, owner->second));
    }
    return link.ifindex;
}

}  // namespace directfaas::links
