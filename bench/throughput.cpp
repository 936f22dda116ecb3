// SPDX-License-Identifier: Apache-2.0
// HTTP requests between two pods of one node, all work on one CPU: plain by pod IP, by vIP through
// the switch by both its paths, and through a gateway's pod. The CPU is never idle while it is
// measured, so seconds by requests are CPU time of a request. Samples for bench/run.
#include <algorithm>
#include <random>
#include <string>
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
    std::string name;  // "fast_v4_c8_200"
    const support::Netns* client = nullptr;
    support::SocketAddress to{};
    HttpLoad load{};
    bool counted = false;  // its connections go through the switch
};

struct Shape {
    std::string name;
    HttpLoad load;
};
const std::vector<Shape>& shapes() {
    static const std::vector<Shape> all{
        {"c1_200", {.connections = 1, .requests = 1000, .answer_bytes = 200}},
        {"c8_200", {.connections = 8, .requests = 1000, .answer_bytes = 200}},
        {"c64_200", {.connections = 64, .requests = 2000, .answer_bytes = 200}},
        {"c8_64k", {.connections = 8, .requests = 400, .answer_bytes = 65536}},
        {"new_200", {.requests = 250, .answer_bytes = 200, .keep = false}},
    };
    return all;
}

std::vector<Variant> variants(World& world, const std::vector<const support::Pod*>& gateways,
                              const std::vector<std::string>& names) {
    std::vector<Variant> all;
    for (const Shape& shape : shapes()) {
        for (const Way way : {Way::kPlain, Way::kStack, Way::kFast}) {
            for (const Family family : {Family::kV4, Family::kV6}) {
                all.push_back(
                    {way_name(way) + (family == Family::kV4 ? "_v4_" : "_v6_") + shape.name,
                     &world.client(way), world.address(way, family), shape.load,
                     way != Way::kPlain});
            }
        }
        for (std::size_t i = 0; i < gateways.size(); ++i) {
            all.push_back({names[i] + "_v4_" + shape.name,
                           &world.client(Way::kPlain),
                           {gateways[i]->ip(Family::kV4), kServerPort},
                           shape.load,
                           false});
        }
    }
    return all;
}

void measure_one(const Variant& variant, int cpu, Samples& samples) {
    auto figures = variant.client->run([&] {
        (void)take_cpu(cpu);
        return run_http(variant.to, variant.load);
    });
    samples.add(variant.name + "_cpu_us", figures.seconds * 1e6 / variant.load.requests);
    samples.add(variant.name + "_p50", quantile(figures.microseconds, 0.5));
    samples.add(variant.name + "_p99", quantile(figures.microseconds, 0.99));
    samples.add(variant.name + "_p999", quantile(figures.microseconds, 0.999));
}

Samples measure(World& world, unsigned rounds) {
    const int cpu = measured_cpu();
    const HttpServer plain(world.server(Way::kPlain), kServerPort, cpu);
    const HttpServer stack(world.server(Way::kStack), kServerPort, cpu);
    const HttpServer fast(world.server(Way::kFast), kServerPort, cpu);
    const auto names = installed_gateways();
    std::vector<const support::Pod*> gateways;
    for (const auto& name : names) {
        gateways.push_back(&world.plain_node().add_pod());
        start_gateway(name, *gateways.back(), world.address(Way::kPlain, Family::kV4));
    }
    auto all = variants(world, gateways, names);
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
        return bench::measure(world, bench::argument(argc, argv, 1, 20));
    });
}
