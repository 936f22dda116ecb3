// SPDX-License-Identifier: Apache-2.0
// HTTP requests between two pods of one node, all work on one CPU: plain by pod IP, by vIP through
// the switch by both its paths, and through a gateway's pod; on kept connections, or (second
// argument "new") with a connection for each. The CPU is never idle while it is measured, so
// seconds by requests are CPU time of a request. Samples for bench/run.
#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/gateways.h"
#include "bench/http_load.h"
#include "bench/http_server.h"
#include "bench/private_world.h"
#include "bench/program.h"
#include "bench/samples.h"
#include "bench/ways.h"

namespace directfaas::bench {
namespace {

using support::Family;

struct Variant {
    std::string name;  // "fast_v4_c8_200", "fast_v4_c8"
    const support::Netns* client = nullptr;
    support::SocketAddress to{};
    HttpLoad load{};
    bool counted = false;  // its connections go through the switch
};

struct Shape {
    std::string name;
    HttpLoad load;
};
/// Requests on connections that are kept, or a connection for each request.
enum class Connections : std::uint8_t { kKept, kNew };

std::vector<Shape> shapes(Connections connections) {
    if (connections == Connections::kNew) {
        return {
            {"c1", {.connections = 1, .requests = 250, .answer_bytes = 200, .keep = false}},
            {"c8", {.connections = 8, .requests = 250, .answer_bytes = 200, .keep = false}},
            {"c64", {.connections = 64, .requests = 500, .answer_bytes = 200, .keep = false}},
        };
    }
    return {
        {"c1_200", {.connections = 1, .requests = 1000, .answer_bytes = 200}},
        {"c8_200", {.connections = 8, .requests = 1000, .answer_bytes = 200}},
        {"c64_200", {.connections = 64, .requests = 2000, .answer_bytes = 200}},
        {"c8_64k", {.connections = 8, .requests = 400, .answer_bytes = 65536}},
    };
}

struct Gateway {
    std::string name;
    const support::Pod* pod;
};

std::vector<Variant> variants(const World& world, const std::vector<Gateway>& gateways,
                              const std::vector<Shape>& shapes) {
    std::vector<Variant> all;
    for (const Shape& shape : shapes) {
        for (const Family family : {Family::kV4, Family::kV6}) {
            const std::string suffix = (family == Family::kV4 ? "_v4_" : "_v6_") + shape.name;
            for (const Way way : {Way::kPlain, Way::kStack, Way::kFast}) {
                all.push_back({way_name(way) + suffix, &world.client(way),
                               world.address(way, family), shape.load, way != Way::kPlain});
            }
            for (const auto& gateway : gateways) {
                all.push_back({gateway.name + suffix,
                               &world.client(Way::kPlain),
                               {gateway.pod->ip(family), kServerPort},
                               shape.load,
                               false});
            }
        }
    }
    return all;
}

void measure_one(const Variant& variant, int cpu, Samples& samples) {
    auto figures = variant.client->run([&] {
        (void)take_cpu(cpu);
        return run_http(variant.to, variant.load);
    });
    const double requests = variant.load.requests;
    samples.add(variant.name + "_cpu_us", figures.seconds * 1e6 / requests);
    samples.add(variant.name + "_per_s", requests / figures.seconds);
    samples.add(variant.name + "_p50", quantile(figures.microseconds, 0.5));
    samples.add(variant.name + "_p99", quantile(figures.microseconds, 0.99));
    samples.add(variant.name + "_p999", quantile(figures.microseconds, 0.999));
}

Samples measure(World& world, unsigned rounds, Connections kind) {
    const int cpu = measured_cpu();
    const HttpServer plain(world.server(Way::kPlain), kServerPort, cpu);
    const HttpServer stack(world.server(Way::kStack), kServerPort, cpu);
    const HttpServer fast(world.server(Way::kFast), kServerPort, cpu);
    std::vector<Gateway> gateways;
    for (const auto& name : installed_gateways()) {
        gateways.push_back({name, &world.plain_node().add_pod()});
        start_gateway(name, *gateways.back().pod, world.address(Way::kPlain, Family::kV4),
                      world.address(Way::kPlain, Family::kV6));
    }
    auto all = variants(world, gateways, shapes(kind));
    Samples samples;
    std::mt19937 random(1);
    std::uint64_t connections = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        samples.next_round();
        std::ranges::shuffle(all, random);
        for (const auto& variant : all) {
            measure_one(variant, cpu, samples);
            if (variant.counted) {
                connections += variant.load.keep ? variant.load.connections : variant.load.requests;
            }
        }
        progress("throughput", round + 1, rounds);
    }
    world.require_counted(connections);
    return samples;
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_throughput", [&] {
        bench::World world;
        (void)bench::take_cpu(bench::measured_cpu());  // gateways inherit it
        const bool anew = argc > 2 && std::string_view(argv[2]) == "new";
        return bench::measure(world, bench::argument(argc, argv, 1, 20),
                              anew ? bench::Connections::kNew : bench::Connections::kKept);
    });
}
