// SPDX-License-Identifier: Apache-2.0
#include "bench/kube_application.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/asked_switch.h"
#include "lib/kube/httplib_transport.h"
#include "test/kube/rights.h"

namespace directfaas::bench {
namespace {

using nlohmann::json;

constexpr const char* kChains = "/apis/directfaas.io/v1alpha1/namespaces/{}/functionchains";
constexpr const char* kSlices = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices";
constexpr unsigned kConnections = 4;  // that create objects

/// One line for each request of the agent, when it comes in.
constexpr const char* kAuditPolicy = R"(apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted, ResponseComplete, Panic]
rules:
- level: Metadata
  users: ["system:serviceaccount:directfaas-system:directfaas-agent"]
- level: None
)";

std::string in_namespace(const char* path, unsigned ns) {
    return fmt::format(fmt::runtime(path), namespace_name(ns));
}

/// A slice as the cluster's own controller writes it: with the pods behind the addresses.
json whole_slice(unsigned ns, unsigned function, const NamespaceState& state) {
    auto slice = slice_object(ns, function, state);
    unsigned instance = 0;
    for (auto& endpoint : slice["endpoints"]) {
        const bool here = !state.interface.empty() && function == 0 && instance == 0;
        endpoint["nodeName"] = here ? kNode : fmt::format("node-{}", instance);
        endpoint["targetRef"] = {{"kind", "Pod"},
                                 {"namespace", namespace_name(ns)},
                                 {"name", fmt::format("{}-{}", function_name(function), instance)},
                                 {"uid", fmt::format("00000000-0000-4000-8000-{:04}{:04}{:04}", ns,
                                                     function, instance)}};
        ++instance;
    }
    return slice;
}

void must(const kube::Answer<std::string>& answer, const std::string& what) {
    if (!answer) {
        throw support::SupportError(what + ": " + answer.error().text());
    }
}

void create_caller(kube::Client& client, unsigned ns, const NamespaceState& state) {
    const auto base = fmt::format("/api/v1/namespaces/{}", namespace_name(ns));
    const json account{
        {"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}}}};
    must(client.create(base + "/serviceaccounts", account.dump()), "create a service account");
    auto pod = caller_object(ns, state);
    const json status{{"status", std::exchange(pod["status"], json::object())}};
    pod["spec"]["automountServiceAccountToken"] = false;
    pod["spec"]["containers"] = {{{"name", "c"}, {"image", "none"}}};
    must(client.create(base + "/pods", pod.dump()), "create a pod");
    must(client.merge(
             fmt::format("{}/pods/{}/status", base, pod["metadata"]["name"].get<std::string>()),
             status.dump()),
         "give a pod its address");
}

}  // namespace

KubeApplication::KubeApplication()
    : node_("bench-node"),
      states_(kNamespaces),
      audit_((std::filesystem::temp_directory_path() / "audit.log").string()) {
    for (unsigned ns = 0; ns < kCallers; ++ns) {
        states_[ns].interface = caller_interface(ns);
        add_caller(*node_, ns);
    }
    node_->enter();
    const auto policy = (std::filesystem::temp_directory_path() / "audit-policy.yaml").string();
    std::ofstream(policy) << kAuditPolicy;
    server_.emplace("127.0.0.1", std::vector<std::string>{"--audit-policy-file=" + policy,
                                                          "--audit-log-path=" + audit_});
    server_->install_crds();
    test::install(*server_, {kNode});
    const auto token =
        test::account_token(*server_, test::kAgentAccount, std::string("agent-") + kNode);
    agent_.emplace(*node_, support::AgentOptions{.instance = "bench",
                                                 .node_name = kNode,
                                                 .kubeconfig = server_->kubeconfig(token),
                                                 .pod_networks = {"10.128.0.0/9"},
                                                 .more = {"--log-level", "warning"}});
}

KubeApplication::~KubeApplication() { agent_->kill(); }

void KubeApplication::create_namespace(kube::Client& client, unsigned ns) const {
    const json space{
        {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", namespace_name(ns)}}}};
    must(client.create("/api/v1/namespaces", space.dump()), "create a namespace");
    for (unsigned f = 0; f < kFunctionsPerNamespace; ++f) {
        must(client.create(in_namespace("/api/v1/namespaces/{}/services", ns),
                           service_object(ns, f).dump()),
             "create a Service");
        must(client.create(in_namespace(kSlices, ns), whole_slice(ns, f, states_[ns]).dump()),
             "create an EndpointSlice");
    }
    if (!states_[ns].interface.empty()) {
        create_caller(client, ns, states_[ns]);
    }
    must(client.create(in_namespace(kChains, ns), chain_object(ns, states_[ns]).dump()),
         "create a FunctionChain");
}

void KubeApplication::create() const {
    std::vector<std::exception_ptr> errors(kConnections);
    {
        std::vector<std::jthread> threads;
        threads.reserve(kConnections);
        for (unsigned i = 0; i < kConnections; ++i) {
            threads.emplace_back([this, i, &errors] {
                try {
                    const auto client = server_->client();
                    for (unsigned ns = i; ns < kNamespaces; ns += kConnections) {
                        create_namespace(*client, ns);
                    }
                } catch (...) {
                    errors[i] = std::current_exception();
                }
            });
        }
    }
    for (const auto& error : errors) {
        if (error) {
            std::rethrow_exception(error);
        }
    }
}

bool KubeApplication::all_in_force() const {
    const AskedSwitch asked(*agent_);
    for (unsigned ns = 0; ns < kNamespaces; ++ns) {
        for (unsigned f = 0; f < kFunctionsPerNamespace; ++f) {
            if (asked.instances(ns, f) != kInstancesPerFunction) {
                return false;
            }
        }
        if (ns < kCallers && !asked.passes(ns, 1)) {
            return false;
        }
    }
    return true;
}

Patch KubeApplication::next_edge(unsigned ns) {
    auto& state = states_[ns];
    state.edge = !state.edge;
    const json patch{{"spec", {{"edges", chain_object(ns, state)["spec"]["edges"]}}}};
    return {in_namespace(kChains, ns) + "/app", patch.dump()};
}

Patch KubeApplication::next_instances(unsigned ns) {
    auto& state = states_[ns];
    state.instance = !state.instance;
    const auto slice = whole_slice(ns, kCallee, state);
    const json patch{{"endpoints", slice["endpoints"]}};
    return {in_namespace(kSlices, ns) + "/" + slice["metadata"]["name"].get<std::string>(),
            patch.dump()};
}

std::size_t KubeApplication::requests() const {
    std::ifstream log(audit_);
    return static_cast<std::size_t>(
        std::count(std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>(), '\n'));
}

}  // namespace directfaas::bench
