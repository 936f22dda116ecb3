// SPDX-License-Identifier: Apache-2.0
#include "bench/changes.h"

#include <chrono>
#include <random>
#include <thread>

#include "bench/private_world.h"

namespace directfaas::bench {

void measure_changes(const support::Netns& node, unsigned changes,
                     const std::function<double(unsigned)>& edge,
                     const std::function<double(unsigned)>& instances, Samples& samples) {
    std::mt19937 random(1);
    std::uniform_int_distribution<int> pause_ms(5, 25);
    const auto pause = [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms(random)));
    };
    std::vector<double> of_edges;
    std::vector<double> of_instances;
    node.run([&] {
        (void)take_cpu(measured_cpu());
        for (unsigned i = 0; i < changes; ++i) {
            pause();
            of_edges.push_back(edge(i));
            pause();
            of_instances.push_back(instances(i));
            progress("rules", i + 1, changes);
        }
    });
    samples.series("edge_ms", of_edges);
    samples.series("instances_ms", of_instances);
}

void measure_load(BigApplication::Backend backend, unsigned times, Samples& samples,
                  const std::function<void(const BigApplication&)>& loaded) {
    constexpr unsigned kLoaded = 1000;
    std::vector<double> seconds;
    for (unsigned i = 0; i < times; ++i) {
        BigApplication app(kLoaded, backend);
        for (unsigned ns = 0; ns < kLoaded; ++ns) {
            app.prepare(ns, {});
            app.put(ns);
        }
        seconds.push_back(app.start());
        loaded(app);
        progress("bulk load", i + 1, times);
    }
    samples.series("load_s", seconds);
}

}  // namespace directfaas::bench
