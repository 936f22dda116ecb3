// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas check`: what the apiserver says of cluster and nodes, which needs no install,
// and what each agent says of its node.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "cli/cluster/check_items.h"
#include "cli/cluster/cluster.h"
#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

constexpr std::pair<int, int> kLeastKubernetes{1, 30};
constexpr std::pair<int, int> kLeastKernel{5, 10};

/// "v1.32.4" or "5.10.0-30-amd64" as its first two numbers; zeros if it does not begin so.
std::pair<int, int> version_of(std::string_view text) {
    std::pair<int, int> version;
    if (text.starts_with('v')) {
        text.remove_prefix(1);
    }
    const auto number = [&text](int& value) {
        const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
        text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
        return read.ec == std::errc();
    };
    if (number(version.first) && text.starts_with('.')) {
        text.remove_prefix(1);
        number(version.second);
    }
    return version;
}

Json kubernetes(const ClusterOptions& options) {
    const auto answer = read_kubectl(options, {"version", "-o", "json"});
    if (!answer) {
        return check_item("apiserver", false, true, answer.error().message,
                          "kubectl has to reach the cluster: --kubeconfig, --context");
    }
    const auto version = text_at(object_at(*answer, "serverVersion"), "gitVersion");
    return check_item("kubernetes", version_of(version) >= kLeastKubernetes, true, version,
                      "Kubernetes 1.30 or later is wanted");
}

Json kernels(const Json& nodes) {
    std::vector<std::string> old;
    std::vector<std::string> all;
    for (const auto& node : list_at(nodes, "items")) {
        const auto& info = object_at(object_at(node, "status"), "nodeInfo");
        const auto kernel = text_at(info, "kernelVersion");
        const bool linux = text_at(info, "operatingSystem") == "linux";
        const auto text = fmt::format("{} {}", text_at(object_at(node, "metadata"), "name"),
                                      linux ? kernel : text_at(info, "operatingSystem"));
        (linux && version_of(kernel) >= kLeastKernel ? all : old).push_back(text);
    }
    return old.empty()
               ? check_item("kernels", true, true, fmt::format("{}", fmt::join(all, ", ")), "")
               : check_item("kernels", false, true, fmt::format("{}", fmt::join(old, ", ")),
                            "Linux 5.10 or later is wanted; the chart's agent.nodeSelector "
                            "leaves nodes out");
}

std::vector<Json> node_items(const ClusterOptions& options) {
    const auto nodes = read_kubectl(options, {"get", "nodes", "-o", "json"});
    if (!nodes) {
        return {unknown_item("kernels", nodes.error()), unknown_item("runtimes", nodes.error())};
    }
    return {kernels(*nodes), runtimes_item(*nodes)};
}

Json crds(const ClusterOptions& options) {
    const auto found = run_kubectl(options, {"get", "crd", "functionchains.directfaas.io",
                                             "directfaasnodes.directfaas.io", "-o", "name"});
    if (!found && !found.error().message.contains("NotFound")) {
        return unknown_item("resources", found.error());
    }
    return check_item("resources", found.has_value(), false,
                      found ? "FunctionChain, DirectFaaSNode" : "not there yet",
                      "the install brings them: docs/kubernetes.md");
}

/// A namespace that admits only `baseline` or `restricted` pods refuses the agents.
Json admission(const ClusterOptions& options) {
    const auto found =
        read_kubectl(options, {"get", "namespace", options.name_space, "-o", "json"});
    if (!found) {
        return found.error().message.contains("NotFound")
                   ? check_item("namespace", true, true,
                                printable(options.name_space) + " is not there yet", "")
                   : unknown_item("namespace", found.error());
    }
    const auto level = text_at(object_at(object_at(*found, "metadata"), "labels"),
                               "pod-security.kubernetes.io/enforce");
    const bool fine = level.empty() || level == "privileged";
    return check_item(
        "namespace", fine, true,
        fmt::format("{} admits {}", printable(options.name_space),
                    level.empty() ? "what is the cluster's default" : level + " pods"),
        "label it pod-security.kubernetes.io/enforce=privileged: the agents use the "
        "node's network and paths");
}

/// Without it any agent's pod could write another node's state.
Json policies(const ClusterOptions& options) {
    const auto listed = run_kubectl(
        options, {"api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name"});
    if (!listed) {
        return unknown_item("admission policies", listed.error());
    }
    const bool served = listed->contains("validatingadmissionpolicies.");
    return check_item(
        "admission policies", served, true,
        served ? "ValidatingAdmissionPolicy is served" : "not served",
        "the chart's policy keeps each agent to its own node's state: docs/security.md");
}

Json may_exec(const ClusterOptions& options) {
    const auto may =
        run_kubectl(options, {"auth", "can-i", "create", "pods", "--subresource=exec"});
    const bool no = !may && may.error().message.contains("ended with status 1");
    if (!may && !no) {
        return unknown_item("pods/exec", may.error());
    }
    return check_item("pods/exec", may.has_value(), false,
                      may ? "you may ask the agents" : "you may not ask the agents",
                      "`create` on `pods/exec` in namespace " + printable(options.name_space));
}

}  // namespace

Json check_item(const char* name, bool ok, bool required, const std::string& detail,
                const std::string& advice) {
    return {{"name", name},
            {"ok", ok},
            {"required", required},
            {"detail", detail},
            {"advice", ok ? "" : advice}};
}

Json unknown_item(const char* name, const Failure& failure) {
    return check_item(name, false, false, "not known: " + failure.message, failure.advice);
}

Json cluster_checks(const ClusterOptions& options) {
    Json checks = Json::array({kubernetes(options)});
    if (flag_at(checks[0], "ok") || text_at(checks[0], "name") == "kubernetes") {
        for (auto* questions : {node_items, network_items}) {
            for (auto& item : questions(options)) {
                checks.push_back(std::move(item));
            }
        }
        for (auto* question : {policies, crds, admission, may_exec}) {
            checks.push_back(question(options));
        }
    }
    return {{"checks", std::move(checks)}};
}

std::string render_cluster_check(const Json& cluster, const Asked* asked, const Style& style) {
    auto text = style.paint(Tone::kStrong, "# cluster") + "\n" + render_check(cluster, style);
    if (asked != nullptr) {
        for (const auto& [node, answer] : asked->answered()) {
            text += fmt::format("\n{}\n", style.paint(Tone::kStrong, "# node " + node)) +
                    render_check(answer, style);
        }
    }
    return text;
}

int cluster_check(const CheckCommand& /*command*/, Session& session) {
    auto cluster = cluster_checks(session.options().cluster);
    const bool reached = list_at(cluster, "checks").size() > 1;
    auto asked =
        reached
            ? ask_cluster(session, {"check"})
            : std::unexpected(Failure{kExitNoAgent, "the cluster is not reached", "", "", false});
    Json answer{{"cluster", cluster["checks"]}};
    if (asked) {
        answer.update(asked->by_node());
    }
    session.print(answer,
                  render_cluster_check(cluster, asked ? &*asked : nullptr, session.style()));
    bool failed = check_failed(cluster);
    if (!asked) {
        session.note(asked.error().absent
                         ? "no agents run here yet, so nodes were not looked at from inside"
                         : "nodes were not looked at from inside: " + asked.error().message);
        return session.end(failed                 ? kExitNo
                           : asked.error().absent ? kExitFine
                                                  : asked.error().exit);
    }
    for (const auto& from : asked->answered()) {
        failed = failed || check_failed(from.answer);
    }
    return asked->end(failed ? kExitNo : kExitFine);
}

}  // namespace directfaas::cli
