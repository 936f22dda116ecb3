// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/kubectl.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/text.h"

namespace directfaas::cli {
namespace {

constexpr const char* kAgents =
    "app.kubernetes.io/name=directfaas,app.kubernetes.io/component=agent";
constexpr const char* kContainer = "agent";

/// The last line that says something; kubectl's own closing line does not.
std::string last_words(const std::string& text) {
    std::string last;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size());
        const auto line = text.substr(start, end - start);
        if (!line.empty() && !line.starts_with("command terminated with exit code")) {
            last = line;
        }
        start = end + 1;
    }
    return printable(last);
}

std::string advice_for(const std::string& message) {
    if (message.contains("pods/exec")) {
        return "asking an agent needs the right `create` on `pods/exec` in its namespace "
               "(docs/security.md)";
    }
    if (message.contains("orbidden")) {
        return "the message names the right that is missing; docs/security.md lists what is needed";
    }
    if (message.contains("start kubectl")) {
        return "install kubectl, or put it into PATH";
    }
    return "";
}

Failure failed(const std::string& message) {
    return {kExitNoAgent, message, advice_for(message), "", false};
}

/// Where the pod keeps the agent's socket, by the volume that the chart calls "run".
std::string socket_of(const Json& pod) {
    for (const auto& container : list_at(object_at(pod, "spec"), "containers")) {
        for (const auto& mount : list_at(container, "volumeMounts")) {
            if (text_at(container, "name") == kContainer && text_at(mount, "name") == "run") {
                return text_at(mount, "mountPath") + "/agent.sock";
            }
        }
    }
    return "";
}

std::string trouble_of(const Json& pod) {
    const auto& status = object_at(pod, "status");
    if (!text_at(object_at(pod, "metadata"), "deletionTimestamp").empty()) {
        return "its pod is being deleted";
    }
    for (const auto& container : list_at(status, "containerStatuses")) {
        const auto& state = object_at(container, "state");
        if (text_at(container, "name") != kContainer || state.contains("running")) {
            continue;
        }
        for (const char* name : {"waiting", "terminated"}) {
            if (const auto reason = text_at(object_at(state, name), "reason"); !reason.empty()) {
                return fmt::format("its container is {}: {}", name, reason);
            }
        }
    }
    const auto phase = text_at(status, "phase");
    return phase == "Running" ? "" : fmt::format("its pod is {}", phase.empty() ? "new" : phase);
}

}  // namespace

std::vector<std::string> kubectl(const ClusterOptions& options,
                                 const std::vector<std::string>& words) {
    std::vector<std::string> all{"kubectl"};
    if (!options.kubeconfig.empty()) {
        all.push_back("--kubeconfig=" + options.kubeconfig);
    }
    if (!options.context.empty()) {
        all.push_back("--context=" + options.context);
    }
    all.push_back("--namespace=" + options.name_space);
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

std::vector<std::string> exec_words(const ClusterOptions& options, const AgentPod& pod,
                                    const std::vector<std::string>& words, bool interactive) {
    std::vector<std::string> all{"exec", "pod/" + pod.pod, "--container", kContainer};
    if (interactive) {
        all.emplace_back("--stdin");
    }
    all.insert(all.end(), {"--", "/usr/bin/dfctl", "-o", "json"});
    if (!pod.socket.empty()) {
        all.insert(all.end(), {"--socket", pod.socket});
    }
    all.insert(all.end(), words.begin(), words.end());
    return kubectl(options, all);
}

std::expected<std::string, Failure> run_kubectl(const ClusterOptions& options,
                                                const std::vector<std::string>& words) {
    auto ran = std::move(run_all({kubectl(options, words)}, 1, options.timeout).front());
    if (ran.timed_out) {
        return std::unexpected(failed(
            fmt::format("`kubectl {}` did not end within {}", words.front(),
                        duration_text(std::chrono::duration<double>(options.timeout).count()))));
    }
    if (ran.exit != 0) {
        const auto said = last_words(ran.err);
        return std::unexpected(failed(
            said.empty() ? fmt::format("`kubectl {}` ended with status {}", words.front(), ran.exit)
                         : said));
    }
    return std::move(ran.out);
}

std::expected<Json, Failure> read_kubectl(const ClusterOptions& options,
                                          const std::vector<std::string>& words) {
    const auto text = run_kubectl(options, words);
    if (!text) {
        return std::unexpected(text.error());
    }
    auto object = Json::parse(*text, nullptr, false);
    if (!object.is_object()) {
        return std::unexpected(
            Failure{kExitNoAgent, fmt::format("`kubectl {}` printed no JSON object", words.front()),
                    "run it by hand to see what it prints", "", false});
    }
    return object;
}

std::vector<AgentPod> agents_in(const Json& pods, const std::vector<std::string>& nodes) {
    std::map<std::string, AgentPod> by_node;
    for (const auto& pod : list_at(pods, "items")) {
        AgentPod agent{text_at(object_at(pod, "spec"), "nodeName"),
                       text_at(object_at(pod, "metadata"), "name"), socket_of(pod),
                       trouble_of(pod)};
        if (agent.node.empty()) {
            agent.node = "(no node yet)";
            agent.trouble = "its pod waits for a node";
        }
        // While an agent is exchanged there may be two pods: the one that runs counts.
        auto [place, is_new] = by_node.try_emplace(agent.node, agent);
        if (!is_new && !place->second.trouble.empty() && agent.trouble.empty()) {
            place->second = agent;
        }
    }
    std::vector<AgentPod> agents;
    for (const auto& node : nodes) {
        if (!by_node.contains(node)) {
            agents.push_back({printable(node), "", "", "it has no agent's pod"});
        }
    }
    for (auto& [node, agent] : by_node) {
        if (nodes.empty() || std::ranges::find(nodes, node) != nodes.end()) {
            agents.push_back(std::move(agent));
        }
    }
    std::ranges::sort(agents, {}, &AgentPod::node);
    return agents;
}

std::expected<std::vector<AgentPod>, Failure> find_agents(const ClusterOptions& options) {
    const auto pods = read_kubectl(options, {"get", "pods", "--selector", kAgents, "-o", "json"});
    if (!pods) {
        return std::unexpected(pods.error());
    }
    auto agents = agents_in(*pods, options.nodes);
    if (list_at(*pods, "items").empty()) {
        return std::unexpected(Failure{
            kExitNoAgent,
            fmt::format("no agents in namespace {} of this cluster", printable(options.name_space)),
            "name the namespace with -n; docs/kubernetes.md has the install", "", true});
    }
    return agents;
}

std::expected<Json, Failure> answer_of(const Ran& ran, std::chrono::milliseconds limit) {
    if (ran.timed_out) {
        return std::unexpected(
            failed(fmt::format("it did not answer within {}",
                               duration_text(std::chrono::duration<double>(limit).count()))));
    }
    auto object = Json::parse(ran.out, nullptr, false);
    if (object.is_object() && !object.contains("error") && ran.exit >= 0 && ran.exit <= 1) {
        return object;
    }
    if (object.is_object() && object.contains("error")) {
        return std::unexpected(Failure{kExitRefused, text_at(object, "error"),
                                       text_at(object, "advice"), text_at(object, "code"), false});
    }
    const auto said = last_words(ran.err);
    if (ran.exit != 0 && !said.empty()) {
        return std::unexpected(failed(said));
    }
    constexpr std::size_t kShown = 60;
    return std::unexpected(
        Failure{kExitRefused,
                fmt::format("its answer is not one of dfctl: {}",
                            ran.out.empty() ? "nothing" : printable(ran.out.substr(0, kShown))),
                "are agent and plugin of the same release?", "", false});
}

std::vector<NodeAnswer> ask_agents(const ClusterOptions& options,
                                   const std::vector<AgentPod>& agents,
                                   const std::vector<std::string>& words) {
    std::vector<std::vector<std::string>> commands;
    for (const auto& agent : agents) {
        if (agent.trouble.empty()) {
            commands.push_back(exec_words(options, agent, words, false));
        }
    }
    auto ran = run_all(commands, options.parallel, options.timeout);
    std::vector<NodeAnswer> answers;
    answers.reserve(agents.size());
    auto next = ran.begin();
    for (const auto& agent : agents) {
        answers.push_back({agent, agent.trouble.empty() ? answer_of(*next++, options.timeout)
                                                        : std::unexpected(failed(agent.trouble))});
    }
    return answers;
}

}  // namespace directfaas::cli
