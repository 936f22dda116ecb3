// SPDX-License-Identifier: Apache-2.0
#include "bench/kube_proxy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <fstream>
#include <sstream>
#include <thread>

#include "test/support/command.h"
#include "test/support/wait.h"

namespace directfaas::bench {
namespace {

using support::SupportError;
using test::Json;
using Clock = std::chrono::steady_clock;

constexpr const char* kAddress = "192.0.2.1";  // of the apiserver
constexpr const char* kProxyNode = "bench";
constexpr const char* kServicesPath = "/api/v1/namespaces/default/services";
constexpr const char* kSlicesPath = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
constexpr unsigned kServers = 10;
constexpr unsigned kThreads = 4;                    // that make objects
constexpr std::chrono::seconds kLoadPatience{600};  // of kube-proxy's start

/// Runs to its end in the calling thread's namespace; another status than 0 is an error.
void must_run(const std::vector<std::string>& arguments) {
    const auto result = support::run_command(arguments);
    if (result.status != 0) {
        throw SupportError(fmt::format("{} ended with {}: {}", fmt::join(arguments, " "),
                                       result.status, result.output));
    }
}

/// Where the apiserver listens: on no interface that goes when a node goes.
const char* address_here() {
    must_run({"ip", "link", "set", "lo", "up"});
    must_run({"ip", "addr", "add", std::string(kAddress) + "/32", "dev", "lo"});
    return kAddress;
}

std::string service_name(unsigned number) { return fmt::format("s{}", number); }

util::IpAddress cluster_ip(unsigned number) {
    // What the apiserver gives away by itself is in the lower part of its range.
    return *util::IpAddress::parse(
        fmt::format("10.96.{}.{}", 128 + number / 250, number % 250 + 1));
}

Json service(unsigned number) {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", {{"name", service_name(number)}}},
            {"spec",
             {{"clusterIP", cluster_ip(number).text()},
              {"ports", {{{"name", "http"}, {"port", kKubeServicePort}, {"targetPort", 8080}}}}}}};
}

Json slice(unsigned number, const support::SocketAddress& endpoint) {
    return {
        {"apiVersion", "discovery.k8s.io/v1"},
        {"kind", "EndpointSlice"},
        {"metadata",
         {{"name", service_name(number) + "-v4"},
          {"labels", {{"kubernetes.io/service-name", service_name(number)}}}}},
        {"addressType", "IPv4"},
        {"ports", {{{"name", "http"}, {"port", endpoint.port}, {"protocol", "TCP"}}}},
        {"endpoints", {{{"addresses", {endpoint.ip.text()}}, {"conditions", {{"ready", true}}}}}}};
}

/// A pod that is nowhere, on the other node.
util::IpAddress absent_pod(unsigned number) {
    return *util::IpAddress::parse(
        fmt::format("10.202.{}.{}", 128 + number / 250, number % 250 + 1));
}

void create(kube::Client& client, const std::string& path, const Json& object) {
    if (const auto made = client.create(path, object.dump()); !made) {
        throw SupportError(fmt::format("create {} in {}: {}",
                                       object.at("metadata").at("name").dump(), path,
                                       made.error().text()));
    }
}

/// Ends a child when it goes.
class Child {
   public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::kill(pid_, SIGKILL);
        support::wait_for_exit(pid_, support::kPatience);
    }

   private:
    pid_t pid_;
};

/// Source ports of those who ask whether there are rules yet, and of those who are measured. A
/// connection begun without rules is remembered by conntrack for two minutes: another one from its
/// port would not be translated either, and refused.
constexpr const char* kAskingPorts = "1024 20000";
constexpr const char* kMeasuredPorts = "20001 65535";

void use_ports(const support::Netns& client, const char* range) {
    client.sysctl({{"ipv4/ip_local_port_range", range}});
}

/// Within what an answer takes on one machine, as without rules nobody answers.
bool answers(const support::Netns& client, const support::SocketAddress& address) {
    constexpr std::chrono::milliseconds kPatience{50};
    return support::TcpClient::connect(client, address, {.timeout = kPatience}).has_value();
}

}  // namespace

KubeServices::KubeServices(const support::SocketAddress& server)
    : server_(server), apiserver_(address_here()) {
    const auto client = apiserver_.client();
    if (!support::wait_until(
            [&] { return client->get("/api/v1/namespaces/default").has_value(); })) {
        throw SupportError("kube-apiserver has no namespace `default`");
    }
    const Json node_address{{"type", "InternalIP"}, {"address", "172.31.1.1"}};
    create(*client, "/api/v1/nodes",
           {{"apiVersion", "v1"},
            {"kind", "Node"},
            {"metadata", {{"name", kProxyNode}}},
            {"status", {{"addresses", Json::array({node_address})}}}});
}

void KubeServices::make(unsigned from, unsigned to) const {
    const auto client = apiserver_.client();
    for (unsigned i = from; i < to; ++i) {
        const bool measured = i < kServers;
        create(*client, kServicesPath, service(i));
        create(*client, kSlicesPath,
               slice(i, measured ? server_ : support::SocketAddress{absent_pod(i), 8080}));
    }
}

void KubeServices::grow(unsigned count) {
    for (unsigned i = made_; i < std::min(count, kServers); ++i) {
        servers_.push_back({cluster_ip(i), kKubeServicePort});
    }
    std::vector<std::thread> threads;
    std::vector<std::exception_ptr> errors(kThreads);
    for (unsigned t = 0; t < kThreads; ++t) {
        const auto part = [&](unsigned n) { return made_ + (count - made_) * n / kThreads; };
        threads.emplace_back([this, &error = errors[t], from = part(t), to = part(t + 1)] {
            try {
                make(from, to);
            } catch (...) {
                error = std::current_exception();
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    for (const auto& error : errors) {
        if (error) {
            std::rethrow_exception(error);
        }
    }
    made_ = count;
}

void KubeServices::connect(const support::Netns& node) {
    const unsigned number = ++nodes_;
    const auto peer = fmt::format("192.0.2.{}", 100 + number);
    const auto here = fmt::format("node{}", number);
    node.ip({fmt::format("link add control type veth peer name {} netns {}", here, ::getpid()),
             "link set control up",
             fmt::format("addr add {} peer {} dev control", peer, kAddress)});
    must_run({"ip", "link", "set", here, "up"});
    must_run({"ip", "addr", "add", kAddress, "peer", peer, "dev", here});
}

std::vector<std::string> KubeServices::command(const std::string& mode) const {
    return {test::cluster_binary("kube-proxy"),
            "--proxy-mode=" + mode,
            std::string("--hostname-override=") + kProxyNode,
            "--kubeconfig=" + apiserver_.kubeconfig(),
            "--cluster-cidr=10.200.0.0/14",  // pods of both nodes
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0"};
}

double KubeServices::load(const support::Netns& node, const std::string& mode,
                          const support::Netns& client) {
    const auto log = fmt::format("{}/kube-proxy.log", apiserver_.directory());
    // Its exit status tells only of kinds of rules that this machine has not.
    support::run_command({test::cluster_binary("kube-proxy"), "--cleanup"}, {.netns = node.fd()});
    use_ports(client, kAskingPorts);
    if (answers(client, servers_.front())) {
        throw SupportError("a ClusterIP answers without kube-proxy");
    }
    const auto begin = Clock::now();
    const Child proxy(support::start_program(command(mode), node.fd(), log));
    const bool loaded = support::wait_until(
        [&] {
            return std::ranges::all_of(servers_,
                                       [&](const auto& to) { return answers(client, to); });
        },
        kLoadPatience);
    if (!loaded) {
        std::stringstream text;
        text << std::ifstream(log).rdbuf();
        throw SupportError("kube-proxy makes no rules:\n" + text.str());
    }
    use_ports(client, kMeasuredPorts);
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace directfaas::bench
