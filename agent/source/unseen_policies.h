// SPDX-License-Identifier: Apache-2.0
// Policies of a CNI's own kinds. The agent follows NetworkPolicies, and keeps a pod that one
// selects off the fast path; of these others it knows only whether the cluster has such kinds at
// all.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "lib/kube/http_transport.h"
#include "lib/kube/informer.h"
#include "lib/util/event_loop.h"

namespace directfaas::source {

/// On the loop's thread.
class UnseenPolicies {
   public:
    /// Watches the API groups of the cluster. `loop` must outlive it.
    UnseenPolicies(util::EventLoop& loop, std::unique_ptr<kube::HttpTransport> transport,
                   const kube::ReflectorOptions& options);

    /// "the cluster has policies of crd.projectcalico.org, ...", or that it is not known yet;
    /// empty: there are none.
    [[nodiscard]] std::string text() const;

   private:
    using Group = std::string;

    void take(const std::vector<kube::Change<Group>>& changes);

    std::set<std::string> versions_;  // API services of such groups: "v1.crd.projectcalico.org"
    kube::Informer<Group> informer_;  // last: it uses the others
};

}  // namespace directfaas::source
