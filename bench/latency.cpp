// SPDX-License-Identifier: Apache-2.0
// What a caller feels: pod to pod on one node, plain by pod IP without the switch against by vIP
// through the switch, by the stack path, by the fast path and, where Open vSwitch is installed,
// over its bridge. Request and answer on a kept connection, and connect + request + close; both
// families; all pods' work on one CPU. Prints samples for bench/run.
#include <algorithm>
#include <functional>
#include <list>
#include <random>
#include <string>

#include "bench/private_world.h"
#include "bench/program.h"
#include "bench/round_trip.h"
#include "bench/samples.h"
#include "bench/ways.h"
#include "test/support/command.h"

namespace directfaas::bench {
namespace {

using support::Family;

constexpr unsigned kRequests = 1000;    // of one measurement on a kept connection
constexpr unsigned kConnections = 250;  // of one measurement with new ones

struct Variant {
    std::string name;  // "rr_fast_v4"
    std::function<std::vector<double>()> measure;
    std::uint64_t connections = 0;  // through the switch, in one measurement
};

std::vector<Variant> variants(const World& world, int cpu) {
    std::vector<Variant> all;
    for (const Way way : world.ways()) {
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

bool ovs_installed() { return support::run_command({"ovs-vswitchd", "--version"}).status == 0; }

Samples measure(const World& world, unsigned rounds) {
    const int cpu = measured_cpu();
    std::list<EchoServer> servers;
    for (const Way way : world.ways()) {
        servers.emplace_back(world.server(way), kServerPort, cpu);
    }
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
    world.require_counted(connections);
    return samples;
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_latency", [&] {
        const bench::World world(bench::ovs_installed() ? bench::World::Ovs::kYes
                                                        : bench::World::Ovs::kNo);
        return bench::measure(world, bench::argument(argc, argv, 1, 60));
    });
}
