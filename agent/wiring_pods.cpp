// SPDX-License-Identifier: Apache-2.0
// Pods and their interfaces: the model says which are wanted, links finds them, an operator may
// overrule both.
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/wiring.h"

namespace directfaas {
namespace {

constexpr const char* kDetachedByHand =
    "detached by hand; `dfctl attach` or a restart of the agent attaches it again";

model::ObjectName pod_name(const std::string& text) {
    const auto slash = text.find('/');
    return {text.substr(0, slash), text.substr(slash + 1)};
}

control::Refusal not_local(const model::ObjectName& pod) {
    return {"not_found",
            fmt::format("pod {} is no function's or entry's pod on this node", pod.text()),
            "`dfctl status` lists those that are"};
}

}  // namespace

void Agent::refresh_pods() {
    std::vector<links::WantedPod> wanted;
    for (auto& pod : model().local_pods()) {
        auto name = pod.name.text();
        const auto overruled = overrides_.find(name);
        if (overruled == overrides_.end()) {
            auto told = told_interface(pod.name);
            wanted.push_back({std::move(name), std::move(pod.ips),
                              told.empty() ? std::move(pod.interface_name) : std::move(told)});
        } else if (!overruled->second.detached) {
            wanted.push_back(
                {std::move(name), std::move(pod.ips), overruled->second.interface_name});
        }
    }
    links_->want(wanted);
}

void Agent::link_changed(const std::string& pod, std::optional<links::FoundLink> link) {
    const auto name = pod_name(pod);
    if (!link) {
        sync_->set_link(name, std::nullopt);
        // At once, not with what follows in this turn: if a new interface has the old one's
        // number, the two must not melt into one change that changes nothing.
        sync_->flush();
        return;
    }
    sync_->set_link(name, link_of(name, *link));
}

bool Agent::is_local(const model::ObjectName& pod) const {
    return std::ranges::any_of(model().local_pods(),
                               [&pod](const auto& local) { return local.name == pod; });
}

void Agent::override_pod(const std::string& pod, std::optional<Override> what) {
    if (what) {
        overrides_[pod] = std::move(*what);
    } else {
        overrides_.erase(pod);
    }
    refresh_pods();
    sync_->flush();
}

std::expected<unsigned, control::Refusal> Agent::attach(const model::ObjectName& pod,
                                                        const std::string& interface_name) {
    if (!is_local(pod)) {
        return std::unexpected(not_local(pod));
    }
    const auto name = pod.text();
    const auto before = overrides_.find(name);
    const auto undo =
        before == overrides_.end() ? std::optional<Override>() : std::optional(before->second);
    override_pod(name, Override{false, interface_name});
    if (const auto found = links_->found(name)) {
        return found->ifindex;
    }
    control::Refusal refusal{"failed", "the interface cannot be used", ""};
    for (const auto& unattached : links_->unattached()) {
        if (unattached.pod == name) {
            refusal.error = unattached.why;
        }
    }
    override_pod(name, undo);
    return std::unexpected(refusal);
}

std::expected<void, control::Refusal> Agent::detach(const model::ObjectName& pod) {
    if (!is_local(pod)) {
        return std::unexpected(not_local(pod));
    }
    override_pod(pod.text(), Override{true, ""});
    return {};
}

std::vector<links::UnattachedPod> Agent::unattached() const {
    auto pods = links_->unattached();
    for (const auto& [pod, overruled] : overrides_) {
        if (overruled.detached && is_local(pod_name(pod))) {
            pods.push_back({pod, kDetachedByHand});
        }
    }
    std::ranges::sort(pods);
    return pods;
}

std::string Agent::interface_name(unsigned ifindex) const {
    std::array<char, IF_NAMESIZE> name{};
    return if_indextoname(ifindex, name.data()) == nullptr ? "" : name.data();
}

}  // namespace directfaas
