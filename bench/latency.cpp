// SPDX-License-Identifier: Apache-2.0
// What a caller feels: pod to pod on one node, plain by pod IP without the switch against by vIP
// through the switch, by the stack path and by the fast path. Request and answer on a kept
// connection, and connect + request + close; both families; all pods' work on one CPU. Prints
// samples for bench/run.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>

#include "bench/private_world.h"
#include "bench/round_trip.h"
#include "bench/samples.h"
#include "test/support/cluster.h"

namespace directfaas::bench {
namespace {

using support::Family;
using support::NodeId;

constexpr std::uint16_t kPort = 8080;
constexpr unsigned kRequests = 1000;    // of one measurement on a kept connection
constexpr unsigned kConnections = 250;  // of one measurement with new ones

enum class Way : std::uint8_t { kPlain, kStack, kFast };

std::string way_name(Way way) {
    return way == Way::kPlain ? "plain" : way == Way::kStack ? "stack" : "fast";
}

/// Ports in TIME_WAIT are used again: thousands of connections go to one address.
void reuse_ports(const support::Pod& client) {
    client.netns().sysctl({{"ipv4/tcp_tw_reuse", "1"}, {"ipv4/ip_local_port_range", "1024 65535"}});
}

/// A node where one function calls another by vIP, and two pods that no chain knows.
class Node {
   public:
    explicit Node(bool fast) : cluster_({.attach = "auto", .fast_path = fast}) {
        cluster_.add_function({.name = "caller"});
        cluster_.add_function({.name = "callee"});
        cluster_.add_edges("caller", {"callee"});
        caller_ = cluster_.add_instance("caller", NodeId::kA, false).pod;
        callee_ = cluster_.add_instance("callee", NodeId::kA, false).pod;
        plain_client_ = &cluster_.add_outsider(NodeId::kA);
        plain_server_ = &cluster_.add_outsider(NodeId::kA);
        reuse_ports(*caller_);
        reuse_ports(*plain_client_);
        cluster_.start();
    }
    [[nodiscard]] const support::Netns& client(bool plain) const {
        return (plain ? plain_client_ : caller_)->netns();
    }
    [[nodiscard]] const support::Netns& server(bool plain) const {
        return (plain ? plain_server_ : callee_)->netns();
    }
    [[nodiscard]] support::SocketAddress address(bool plain, Family family) const {
        return plain ? support::SocketAddress{plain_server_->ip(family), kPort}
                     : support::SocketAddress{cluster_.vip_addresses("callee").of(family),
                                              cluster_.vip("callee").port};
    }
    /// Connections the switch has counted on the edge.
    [[nodiscard]] std::uint64_t counted() const { return cluster_.edge("caller", "callee").opened; }

   private:
    support::Cluster cluster_;
    const support::Pod* caller_ = nullptr;
    const support::Pod* callee_ = nullptr;
    const support::Pod* plain_client_ = nullptr;
    const support::Pod* plain_server_ = nullptr;
};

class World {
   public:
    [[nodiscard]] const support::Netns& client(Way way) const {
        return node(way).client(way == Way::kPlain);
    }
    [[nodiscard]] const support::Netns& server(Way way) const {
        return node(way).server(way == Way::kPlain);
    }
    [[nodiscard]] support::SocketAddress address(Way way, Family family) const {
        return node(way).address(way == Way::kPlain, family);
    }
    [[nodiscard]] std::uint64_t counted() const { return stack_.counted() + fast_.counted(); }

   private:
    [[nodiscard]] const Node& node(Way way) const { return way == Way::kFast ? fast_ : stack_; }

    Node stack_{false};
    Node fast_{true};
};

constexpr std::array kWays{Way::kPlain, Way::kStack, Way::kFast};

struct Variant {
    std::string name;  // "rr_fast_v4"
    std::function<std::vector<double>()> measure;
    std::uint64_t connections = 0;  // through the switch, in one measurement
};

std::vector<Variant> variants(const World& world, int cpu) {
    std::vector<Variant> all;
    for (const Way way : kWays) {
        for (const Family family : {Family::kV4, Family::kV6}) {
            const auto to = world.address(way, family);
            const std::string suffix =
                "_" + way_name(way) + (family == Family::kV4 ? "_v4" : "_v6");
            const auto add = [&](const std::string& kind, auto run, unsigned count,
                                 unsigned connections) {
                all.push_back({kind + suffix,
                               [&world, way, to, run, count, cpu] {
                                   return world.client(way).run([&] {
                                       (void)take_cpu(cpu);
                                       return run(to, count);
                                   });
                               },
                               way == Way::kPlain ? 0 : connections});
            };
            add("rr", kept_connection, kRequests, 1);
            add("crr", new_connections, kConnections, kConnections);
        }
    }
    return all;
}

Samples measure(const World& world, unsigned rounds) {
    const int cpu = measured_cpu();
    const EchoServer plain(world.server(Way::kPlain), kPort, cpu);
    const EchoServer stack(world.server(Way::kStack), kPort, cpu);
    const EchoServer fast(world.server(Way::kFast), kPort, cpu);
    auto all = variants(world, cpu);
    Samples samples;
    std::mt19937 random(1);
    std::uint64_t connections = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        samples.next_round();
        std::ranges::shuffle(all, random);
        for (const auto& variant : all) {
            auto times = variant.measure();
            samples.add(variant.name + "_p50", quantile(times, 0.5));
            samples.add(variant.name + "_p99", quantile(times, 0.99));
            connections += variant.connections;
        }
        progress("latency", round + 1, rounds);
    }
    if (world.counted() != connections) {
        throw std::runtime_error("the switch counted " + std::to_string(world.counted()) +
                                 " connections, there were " + std::to_string(connections) +
                                 ": something went past it");
    }
    return samples;
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    try {
        if (auto entered = bench::enter_private_world(); !entered) {
            throw std::runtime_error(entered.error().text());
        }
        const bench::World world;
        std::puts(bench::measure(world, argc > 1 ? std::stoul(argv[1]) : 60).json().c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_latency: %s\n", error.what());
        return 1;
    }
}
