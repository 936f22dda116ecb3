// SPDX-License-Identifier: Apache-2.0
#include "test/kube/rights.h"

#include <fmt/format.h>

namespace directfaas::test {

void install(const Apiserver& server, const std::vector<std::string>& nodes) {
    server.kubectl({"apply", "-f", DF_SOURCE_DIR "/deploy/install.yaml"});
    for (const auto& node : nodes) {
        server.create("/api/v1/nodes",
                      {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", node}}}});
        server.create(fmt::format("/api/v1/namespaces/{}/pods", kAgentNamespace),
                      {{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"metadata", {{"name", "agent-" + node}}},
                       {"spec",
                        {{"nodeName", node},
                         {"serviceAccountName", kAgentAccount},
                         {"automountServiceAccountToken", false},
                         {"containers", {{{"name", "agent"}, {"image", "none"}}}}}}});
    }
}

std::string account_token(const Apiserver& server, const std::string& account,
                          const std::string& pod) {
    Json spec{{"expirationSeconds", 3600}};
    if (!pod.empty()) {
        spec["boundObjectRef"] = {
            {"apiVersion", "v1"},
            {"kind", "Pod"},
            {"name", pod},
            {"uid", server.get(fmt::format("/api/v1/namespaces/{}/pods/{}", kAgentNamespace,
                                           pod))["metadata"]["uid"]}};
    }
    const auto answer = server.create(
        fmt::format("/api/v1/namespaces/{}/serviceaccounts/{}/token", kAgentNamespace, account),
        {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", spec}});
    return answer["status"]["token"];
}

}  // namespace directfaas::test
