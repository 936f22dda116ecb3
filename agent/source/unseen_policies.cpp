// SPDX-License-Identifier: Apache-2.0
#include "agent/source/unseen_policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace directfaas::source {
namespace {

constexpr const char* kApiServices = "/apis/apiregistration.k8s.io/v1/apiservices";

/// Calico (by CRD and by its own server), Cilium, the policies of administrators, Antrea, Kube-OVN.
constexpr std::array<std::string_view, 6> kGroups{
    "crd.projectcalico.org",    "projectcalico.org", "cilium.io",
    "policy.networking.k8s.io", "crd.antrea.io",     "kubeovn.io"};

/// An API service is called VERSION.GROUP.
std::string_view group_of(std::string_view api_service) {
    const auto dot = api_service.find('.');
    return dot == std::string_view::npos ? std::string_view{} : api_service.substr(dot + 1);
}

}  // namespace

UnseenPolicies::UnseenPolicies(util::EventLoop& loop,
                               std::unique_ptr<kube::HttpTransport> transport,
                               const kube::ReflectorOptions& options)
    : informer_(
          loop, std::move(transport), {.path = kApiServices}, options,
          [](const kube::RawObject& raw) { return raw.key.name; },
          [this](const std::vector<kube::Change<Group>>& changes) { take(changes); }) {}

void UnseenPolicies::take(const std::vector<kube::Change<Group>>& changes) {
    for (const auto& change : changes) {
        const bool ours = std::ranges::find(kGroups, group_of(change.key.name)) != kGroups.end();
        if (ours && change.object) {
            versions_.insert(change.key.name);
        } else {
            versions_.erase(change.key.name);
        }
    }
}

std::string UnseenPolicies::text() const {
    if (!informer_.synced()) {
        const auto trouble = informer_.status().trouble;
        return fmt::format("it is not known yet which kinds of policies the cluster has{}{}",
                           trouble.empty() ? "" : ": ", trouble);
    }
    if (versions_.empty()) {
        return {};
    }
    return fmt::format("the cluster has policies of {}, which the agent does not follow",
                       group_of(*versions_.begin()));
}

}  // namespace directfaas::source
