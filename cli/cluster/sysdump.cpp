// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas sysdump`: the dump of every node, and what the apiserver has of DirectFaaS.
#include <fmt/format.h>

#include <iterator>

#include "cli/cluster/cluster.h"
#include "cli/sysdump/collect.h"

namespace directfaas::cli {
namespace {

struct Part {
    const char* path;
    const char* what;
    std::vector<std::string> words;
};

std::vector<Part> parts() {
    return {{"cluster/version.txt", "kubectl and apiserver", {"version"}},
            {"cluster/nodes.txt", "the nodes", {"get", "nodes", "-o", "wide"}},
            {"cluster/pods.txt", "pods of DirectFaaS", {"get", "pods", "-o", "wide"}},
            {"cluster/workloads.yaml",
             "how they are deployed",
             {"get", "daemonsets,deployments,configmaps", "-o", "yaml", "--selector",
              "app.kubernetes.io/name=directfaas"}},
            {"cluster/events.txt", "events of its namespace", {"get", "events"}},
            {"cluster/chains.yaml",
             "FunctionChains with their conditions",
             {"get", "functionchains.directfaas.io", "--all-namespaces", "-o", "yaml"}},
            {"cluster/node-states.yaml",
             "what is in force on each node",
             {"get", "directfaasnodes.directfaas.io", "-o", "yaml"}},
            {"cluster/controller.log",
             "the controllers' latest words",
             {"logs", "--selector", "app.kubernetes.io/component=controller", "--tail=5000",
              "--prefix"}}};
}

DumpFile file_of(const std::string& path, const std::string& what, const Ran& ran) {
    auto text = ran.exit == 0
                    ? without_secrets(ran.out)
                    : fmt::format("not read: {}\n{}",
                                  ran.timed_out ? "no answer in time" : "kubectl failed", ran.err);
    return {path, what, limited(std::move(text))};
}

std::vector<DumpFile> cluster_files(const ClusterOptions& options,
                                    const std::vector<AgentPod>& agents) {
    std::vector<std::vector<std::string>> commands;
    auto wanted = parts();
    commands.reserve(wanted.size() + 2 * agents.size());
    for (const auto& part : wanted) {
        commands.push_back(kubectl(options, part.words));
    }
    for (const auto& agent : agents) {
        for (const char* flag : {"--previous=false", "--previous=true"}) {
            commands.push_back(kubectl(
                options, {"logs", "pod/" + agent.pod, "--container=agent", "--tail=5000", flag}));
        }
    }
    const auto ran = run_all(commands, options.parallel, options.timeout);
    std::vector<DumpFile> files;
    files.reserve(wanted.size() + 2 * agents.size());
    std::size_t next = 0;
    for (const auto& part : wanted) {
        files.push_back(file_of(part.path, part.what, ran[next++]));
    }
    for (const auto& agent : agents) {
        const auto folder = "nodes/" + agent.node + "/agent/";
        files.push_back(file_of(folder + "log.txt", "the agent's latest words", ran[next++]));
        if (ran[next++].exit == 0) {  // there need not have been one before
            files.push_back(file_of(folder + "log-before.txt",
                                    "those of the one before its restart", ran[next - 1]));
        }
    }
    return files;
}

void add_node(const AgentPod& agent, const std::expected<Json, Failure>& answer,
              std::vector<DumpFile>& files) {
    const auto folder = "nodes/" + agent.node + "/";
    if (!answer) {
        files.push_back({folder + "failed.txt", "why this node's files are missing",
                         fmt::format("{}\n{}\n", answer.error().message, answer.error().advice)});
        return;
    }
    for (const auto& file : list_at(*answer, "files")) {
        const auto text = file.is_object() ? file.find("text") : file.end();
        if (file.is_object() && text != file.end() && text->is_string()) {
            // Names come from the node: they must not lead out of its folder.
            auto path = text_at(file, "path");
            while (path.contains("..")) {
                path.replace(path.find(".."), 2, "_");
            }
            files.push_back({folder + path, text_at(file, "what"), text->get<std::string>()});
        }
    }
}

}  // namespace

int cluster_sysdump(const SysdumpCommand& command, Session& session) {
    const auto& options = session.options().cluster;
    auto asked = ask_cluster(session, {"sysdump"});
    if (!asked && !asked.error().absent) {
        return session.fail(asked.error());
    }
    std::vector<AgentPod> agents;
    std::vector<DumpFile> of_nodes;
    if (asked) {
        for (const auto& [agent, answer] : asked->all()) {
            add_node(agent, answer, of_nodes);
            if (!agent.pod.empty()) {
                agents.push_back(agent);
            }
        }
    } else {
        session.note(asked.error().message + ": what the apiserver has is written");
    }
    auto files = cluster_files(options, agents);
    std::ranges::move(of_nodes, std::back_inserter(files));
    const int written = session.options().format == Format::kJson
                            ? print_dump("cluster", files, session)
                            : write_dump(command.file, "cluster", std::move(files), session);
    return written != kExitFine || !asked ? written : asked->end(kExitFine);
}

}  // namespace directfaas::cli
