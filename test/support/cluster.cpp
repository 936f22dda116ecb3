// SPDX-License-Identifier: Apache-2.0
// sync() needs to know when an agent has taken everything that was written. The last file written
// declares a function named after a running number; once the switch knows that identity, it knows
// what was written before it.
#include "test/support/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace directfaas::support {
namespace {

constexpr const char* kBarrierNamespace = "barrier";
constexpr const char* kReasonMetric = "directfaas_packets_by_reason_total";

/// 0 for what the backend does not count.
std::uint64_t counted(const Json& row, const char* key) {
    return row[key].is_number() ? row[key].get<std::uint64_t>() : 0;
}

Json barrier_manifest(int number) {
    ChainSpec chain{.ns = kBarrierNamespace, .name = "barrier"};
    const std::string name = fmt::format("b{}", number);
    chain.functions[name] = FunctionSpec{.name = name};
    return chain_manifest(chain);
}

}  // namespace

std::string Setup::text() const {
    return fmt::format("{}_{}_{}{}_{}", family == Family::kV4 ? "v4" : "v6",
                       placement == Placement::kOneNode ? "one_node" : "two_nodes", attach,
                       fast_path ? "" : "_stack", backend);
}

void Instance::listen(const FunctionSpec& spec) {
    for (const PortSpec& port : spec.ports) {
        if (port.protocol == util::Protocol::kTcp && !tcp.contains(port.target_port)) {
            tcp[port.target_port] =
                std::make_unique<LineServer>(pod->netns(), pod->name(), port.target_port);
        }
        if (port.protocol == util::Protocol::kUdp && !udp.contains(port.target_port)) {
            udp[port.target_port] =
                std::make_unique<DatagramServer>(pod->netns(), pod->name(), port.target_port);
        }
    }
}

std::uint64_t Instance::accepted() const {
    std::uint64_t sum = 0;
    for (const auto& [port, server] : tcp) {
        sum += server->accepted();
    }
    return sum;
}

std::uint64_t Instance::datagrams() const {
    std::uint64_t sum = 0;
    for (const auto& [port, server] : udp) {
        sum += server->datagrams();
    }
    return sum;
}

Cluster::Cluster(const Setup& setup)
    : setup_(setup),
      topology_(unique_prefix(), setup.ovs() ? NodeSwitch::kOvs : NodeSwitch::kRouting) {
    for (const NodeId id : nodes()) {
        const int n = static_cast<int>(id);
        const std::string instance = topology_.prefix() + "-" + node_name(id);
        manifests_[n] = std::make_unique<ManifestDir>(instance);
        agents_[n] = std::make_unique<AgentProcess>(
            topology_.node(id),
            AgentOptions{.instance = instance,
                         .node_name = node_name(id),
                         .manifests = manifests_[n]->path(),
                         .pod_networks = Topology::pod_networks(),
                         .attach = setup.attach,
                         .fast_path = setup.fast_path,
                         .vswitch = setup.ovs() ? &topology_.vswitch(id) : nullptr});
    }
}

std::vector<NodeId> Cluster::nodes() const {
    if (setup_.placement == Placement::kOneNode) {
        return {NodeId::kA};
    }
    return {NodeId::kA, NodeId::kB};
}

void Cluster::add_function(const FunctionSpec& spec) {
    const int number = static_cast<int>(vips_.size());
    vips_.emplace(spec.name, Topology::vip(number));
    chain_.functions[spec.name] = spec;
}

void Cluster::add_edges(const std::string& from, const std::vector<std::string>& callees) {
    for (const std::string& to : callees) {
        chain_.edges.emplace(from, to);
    }
}

Instance& Cluster::add_instance(const std::string& function, NodeId node, bool listening,
                                const PodOptions& options) {
    const Pod& pod = topology_.add_pod(node, fmt::format("{}-{}", function, next_name_++), options);
    Instance& instance = instances_.emplace_back(Instance{.function = function, .pod = &pod});
    if (listening) {
        instance.listen(spec(function));
    }
    return instance;
}

void Cluster::remove_instance(Instance& instance) {
    topology_.remove_pod(*instance.pod);  // first: a pod that vanishes sends no FIN
    instance.stop_listening();
    instances_.remove_if([&](const Instance& other) { return &other == &instance; });
}

const Pod& Cluster::add_entry(const std::string& entry, NodeId node) {
    chain_.entries.insert(entry);
    const Pod& pod = topology_.add_pod(node, fmt::format("{}-{}", entry, next_name_++));
    entries_.emplace_back(entry, &pod);
    return pod;
}

const Pod& Cluster::add_outsider(NodeId node) {
    return topology_.add_pod(node, fmt::format("outsider-{}", next_name_++));
}

SocketAddress Cluster::vip(const std::string& function, std::size_t port) const {
    return {vips_.at(function).of(setup_.family), spec(function).ports.at(port).port};
}

SocketAddress Cluster::direct(const Instance& instance, std::size_t port) const {
    return {instance.pod->ip(setup_.family), spec(instance.function).ports.at(port).target_port};
}

/// On a bridge no route leads to a pod's interface, so its manifest names it.
Json Cluster::pod_document(const Pod& pod, const std::map<std::string, std::string>& labels) const {
    Json document = pod_manifest(chain_.ns, pod, labels);
    if (setup_.ovs()) {
        document["metadata"]["annotations"] = {
            {"directfaas.io/host-interface", pod.host_interface()}};
    }
    return document;
}

std::vector<Json> Cluster::function_documents(const FunctionSpec& spec) const {
    std::vector<Json> documents{service_manifest(chain_.ns, spec, vips_.at(spec.name))};
    std::vector<std::pair<DualAddress, InstanceState>> endpoints;
    for (const Instance& instance : instances_) {
        if (instance.function == spec.name) {
            endpoints.emplace_back(instance.pod->addresses(), instance.state);
            documents.push_back(pod_document(*instance.pod, {{"app", spec.name}}));
        }
    }
    for (Json& slice : slice_manifests(chain_.ns, spec, endpoints)) {
        documents.push_back(std::move(slice));
    }
    return documents;
}

void Cluster::publish(NodeId node) {
    ManifestDir& dir = *manifests_[static_cast<int>(node)];
    for (const auto& [name, spec] : chain_.functions) {
        dir.write("function-" + name + ".yaml", function_documents(spec));
    }
    std::vector<Json> pods;
    pods.reserve(entries_.size());
    for (const auto& [entry, pod] : entries_) {
        pods.push_back(pod_document(*pod, {{"entry", entry}}));
    }
    if (!pods.empty()) {
        dir.write("entries.yaml", pods);
    }
    dir.write("chain.yaml", {chain_manifest(chain_)});
    dir.write("others.yaml", other_objects_);
    dir.write("zz-barrier.yaml", {barrier_manifest(++barrier_)});
}

void Cluster::publish() {
    for (const NodeId node : nodes()) {
        publish(node);
    }
}

std::map<std::string, unsigned> Cluster::expected_attachments(NodeId node) const {
    std::map<std::string, unsigned> pods;
    for (const Instance& instance : instances_) {
        if (instance.pod->node() == node) {
            pods[chain_.ns + "/" + instance.pod->name()] = instance.pod->host_ifindex();
        }
    }
    for (const auto& [entry, pod] : entries_) {
        if (pod->node() == node) {
            pods[chain_.ns + "/" + pod->name()] = pod->host_ifindex();
        }
    }
    return pods;
}

bool Cluster::follows(NodeId node) const {
    const auto rules =
        agents_[static_cast<int>(node)]->control({{"command", "rules"}, {"installed", true}});
    const std::string barrier = fmt::format("{}/b{}", kBarrierNamespace, barrier_);
    if (std::ranges::none_of(rules["identities"],
                             [&](const Json& item) { return item["identity"] == barrier; })) {
        return false;
    }
    std::map<std::string, unsigned> attached;
    for (const Json& item : rules["attachments"]) {
        attached[item["pod"]] = item["ifindex"];
    }
    return attached == expected_attachments(node);
}

void Cluster::sync(NodeId node) {
    publish(node);
    if (!wait_until([&] { return follows(node); })) {
        const AgentProcess& agent = *agents_[static_cast<int>(node)];
        throw SupportError(fmt::format("{} does not follow the manifests:\n{}\n{}", node_name(node),
                                       agent.control({{"command", "status"}}).dump(1),
                                       agent.log()));
    }
}

void Cluster::sync() {
    for (const NodeId node : nodes()) {
        if (agent(node).running()) {
            sync(node);
        } else {
            publish(node);
        }
    }
}

void Cluster::start() {
    publish();
    for (const NodeId node : nodes()) {
        agent(node).launch();
    }
    for (const NodeId node : nodes()) {
        agent(node).wait_ready();
    }
    sync();
}

std::string Cluster::identity_text(const std::string& name) const {
    return name == "outside" ? name : chain_.ns + "/" + name;
}

EdgeCount Cluster::edge(const std::string& from, const std::string& to) const {
    EdgeCount sum;
    for (const NodeId node : nodes()) {
        const auto answer = agents_[static_cast<int>(node)]->control({{"command", "edges"}});
        for (const Json& row : answer["edges"]) {
            if (row["from"] == identity_text(from) && row["to"] == identity_text(to)) {
                sum.opened += row["opened"].get<std::uint64_t>();
                sum.open += row["open"].get<std::uint64_t>();
                sum.closed_by_caller += counted(row, "closed_by_caller");
                sum.closed_by_callee += counted(row, "closed_by_callee");
                sum.reset += counted(row, "reset");
                sum.bytes_request += row["bytes_request"].get<std::uint64_t>();
                sum.bytes_reply += row["bytes_reply"].get<std::uint64_t>();
            }
        }
    }
    return sum;
}

std::uint64_t Cluster::denied(const std::string& from, const std::string& to) const {
    std::uint64_t sum = 0;
    for (const NodeId node : nodes()) {
        const auto answer = agents_[static_cast<int>(node)]->control({{"command", "edges"}});
        for (const Json& row : answer["denied"]) {
            if (row["from"] == identity_text(from) && row["to"] == identity_text(to)) {
                sum += row["calls"].get<std::uint64_t>();
            }
        }
    }
    return sum;
}

std::map<std::string, std::uint64_t> Cluster::reasons() const {
    std::map<std::string, std::uint64_t> sum;
    for (const NodeId node : nodes()) {
        const Metrics metrics = agents_[static_cast<int>(node)]->metrics();
        for (const auto& [reason, packets] : metrics.by(kReasonMetric, "reason")) {
            if (packets > 0) {
                sum[reason] += static_cast<std::uint64_t>(packets);
            }
        }
    }
    return sum;
}

std::uint64_t Cluster::reason(const std::string& name) const {
    const auto all = reasons();
    const auto found = all.find(name);
    return found == all.end() ? 0 : found->second;
}

std::string Cluster::switch_state() {
    std::string text;
    for (const NodeId node : nodes()) {
        if (!setup_.ovs()) {
            break;
        }
        VSwitch& there = topology_.vswitch(node);
        text += fmt::format("--- flows of {} that packets met ---\n", node_name(node));
        std::istringstream flows(there.ofctl("dump-flows"));
        for (std::string line; std::getline(flows, line);) {
            if (line.find("n_packets=0,") == std::string::npos) {
                text += line + "\n";
            }
        }
        text += there.appctl({"coverage/show"}) + there.appctl({"dpctl/dump-conntrack"});
        text += "--- the end of its log ---\n" + there.log();
    }
    return text;
}

std::string Cluster::logs() const {
    std::string text;
    for (const NodeId node : nodes()) {
        text += fmt::format("--- agent of {} ---\n{}\n", node_name(node),
                            agents_[static_cast<int>(node)]->log());
    }
    return text;
}

}  // namespace directfaas::support
