// SPDX-License-Identifier: Apache-2.0
// Memory of the agent and of its tables in the kernel, with 10 000 functions and 100 000 instances,
// and with ten; and the CPU the agent takes. Samples for bench/run.
#include <bpf/bpf.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include "bench/agent_figures.h"
#include "bench/big_application.h"
#include "bench/private_world.h"
#include "bench/program.h"
#include "bench/samples.h"
#include "lib/util/unique_fd.h"

namespace directfaas::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMebibyte = 1024.0 * 1024.0;

/// What the kernel charges for everything that is pinned for the instance: tables and programs.
double kernel_bytes(const std::string& directory) {
    double sum = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (entry.is_directory()) {
            continue;
        }
        const util::UniqueFd fd(bpf_obj_get(entry.path().c_str()));
        if (!fd.valid()) {
            throw std::runtime_error("open " + entry.path().string());
        }
        const auto info = "/proc/self/fdinfo/" + std::to_string(fd.get());
        if (entry.path().parent_path().filename() != "link") {
            sum += number_behind(info, "memlock:");
        }
    }
    return sum;
}

/// One instance of one function comes or goes, a thousand times a second.
void change_for(BigApplication& app, unsigned seconds, unsigned namespaces) {
    const auto begin = Clock::now();
    for (unsigned i = 0; i < seconds * 1000; ++i) {
        const unsigned ns = i % namespaces;
        app.prepare(ns, {.instance = i / namespaces % 2 != 0});
        app.put(ns);
        std::this_thread::sleep_until(begin + std::chrono::milliseconds(i + 1));
    }
}

/// Of an agent that has nothing to do, and of one with a thousand changes a second.
void measure_cpu(BigApplication& app, unsigned namespaces, Samples& samples) {
    constexpr unsigned kRest = 60;  // what it does every ten seconds is in it as often as it is
    constexpr unsigned kBusy = 5;
    std::this_thread::sleep_for(std::chrono::seconds(2));  // what the start has left to do
    samples.note("cpu_rest", cpu_percent(app.agent(), kRest, [&] {
                     std::this_thread::sleep_for(std::chrono::seconds(kRest));
                 }));
    samples.note("cpu_changes",
                 cpu_percent(app.agent(), kBusy, [&] { change_for(app, kBusy, namespaces); }));
}

void measure(unsigned namespaces, const std::string& suffix, Samples& samples) {
    BigApplication app(namespaces);
    for (unsigned ns = 0; ns < namespaces; ++ns) {
        app.prepare(ns, {});
        app.put(ns);
    }
    app.start();
    samples.note("rss_mib" + suffix, app.agent_mib("VmRSS:"));
    samples.note("peak_mib" + suffix, app.agent_mib("VmHWM:"));
    const auto tables = std::filesystem::path(app.pin("vip")).parent_path();
    samples.note("kernel_mib" + suffix, kernel_bytes(tables) / kMebibyte);
    if (namespaces > 1) {
        measure_cpu(app, namespaces, samples);
    }
}

}  // namespace
}  // namespace directfaas::bench

int main() {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_memory", [] {
        bench::Samples samples;
        bench::measure(1, "_10", samples);
        bench::measure(1000, "_10000", samples);
        return samples;
    });
}
