// SPDX-License-Identifier: Apache-2.0
// The questions of rules.cpp and memory.cpp to an agent on Kubernetes: 1 000 functions with 10
// instances each as objects of a real kube-apiserver. How soon a change is in force from the PATCH
// being sent, and from the apiserver's event having reached the node; how long everything takes
// from nothing, and a restart; what it takes of memory, CPU and apiserver. Samples for bench/run.
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/agent_figures.h"
#include "bench/asked_switch.h"
#include "bench/changes.h"
#include "bench/event_tap.h"
#include "bench/kube_application.h"
#include "bench/private_world.h"
#include "bench/program.h"
#include "test/support/wait.h"

namespace directfaas::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kLoadPatience{5};
/// Between two questions to the switch: the apiserver needs the CPU, too.
constexpr std::chrono::microseconds kPace{100};
constexpr std::chrono::seconds kSettle{2};  // what a start has left to do

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Makes changes and follows them: from the request, and from the event.
class Changes {
   public:
    explicit Changes(KubeApplication& app)
        : app_(app),
          switch_(app.agent()),
          client_(app.server().client()),
          of_chains_(app.agent().pid(), app.server().access().port),
          of_slices_(app.agent().pid(), app.server().access().port) {}

    /// ms from the request.
    double change_edge(unsigned ns) {
        return follow(app_.next_edge(ns), of_chains_,
                      [&] { return switch_.passes(ns, kCallee) == app_.state(ns).edge; });
    }
    double change_instances(unsigned ns) {
        const auto patch = app_.next_instances(ns);
        const unsigned wanted =
            app_.state(ns).instance ? kInstancesPerFunction : kInstancesPerFunction - 1;
        return follow(patch, of_slices_, [&] { return switch_.instances(ns, kCallee) == wanted; });
    }
    /// The same from the events.
    void keep(Samples& samples) const {
        samples.series("edge_event_ms", of_chains_.after_event());
        samples.series("instances_event_ms", of_slices_.after_event());
    }

   private:
    template <typename InForce>
    double follow(const Patch& patch, EventTap& events, InForce in_force) {
        events.begin();
        Clock::time_point sent;
        auto answer = std::async(std::launch::async, [&] {
            sent = Clock::now();
            return client_->merge(patch.path, patch.body);
        });
        const auto followed = when(in_force, kPace);
        events.end(EventTap::Clock::now());
        if (const auto done = answer.get(); !done) {
            throw std::runtime_error("PATCH " + patch.path + ": " + done.error().text());
        }
        return ms_between(sent, followed);
    }

    KubeApplication& app_;
    AskedSwitch switch_;
    std::unique_ptr<kube::Client> client_;
    EventTap of_chains_;
    EventTap of_slices_;
};

void wait_for_all(KubeApplication& app) {
    if (!support::wait_until([&] { return app.all_in_force(); }, kLoadPatience)) {
        throw support::SupportError("not everything is in force within five minutes:\n" +
                                    app.agent().log());
    }
}

/// Everything from nothing, with an agent that is there already.
void measure_creation(KubeApplication& app, Samples& samples) {
    app.agent().start();
    const auto begin = Clock::now();
    app.create();
    const auto created = Clock::now();
    wait_for_all(app);
    samples.series("created_s", {std::chrono::duration<double>(created - begin).count()});
    samples.series("visible_s", {seconds_since(begin)});
    samples.series("visible_after_ms", {1000 * seconds_since(created)});
}

void measure_rest(KubeApplication& app, unsigned seconds, Samples& samples) {
    std::this_thread::sleep_for(kSettle);
    const auto before = app.requests();
    samples.series("cpu_rest", {cpu_percent(app.agent(), seconds, [&] {
                       std::this_thread::sleep_for(std::chrono::seconds(seconds));
                   })});
    samples.series("requests_rest",
                   {60.0 * static_cast<double>(app.requests() - before) / seconds});
    samples.series("rss_mib", {memory_mib(app.agent(), "VmRSS:")});
    samples.series("peak_mib", {memory_mib(app.agent(), "VmHWM:")});
}

/// The agent goes before all else on a CPU of its own, as it does in rules.cpp; so do the questions
/// on another, but they leave most of it to apiserver and etcd.
void measure_following(KubeApplication& app, unsigned changes, Samples& samples) {
    require(take_cpu(app.agent().pid(), 0));
    Changes following(app);
    const auto before = app.requests();
    measure_changes(
        app.node(), changes, [&](unsigned i) { return following.change_edge(i % kCallers); },
        [&](unsigned i) { return following.change_instances(i % kNamespaces); }, samples);
    samples.series("requests_change",
                   {static_cast<double>(app.requests() - before) / (2.0 * changes)});
    following.keep(samples);
}

/// The agent is killed, an edge changes meanwhile, and it is started again; calls pass all the
/// time.
void measure_restarts(KubeApplication& app, unsigned times, Samples& samples) {
    std::vector<double> followed;
    std::vector<double> ready;
    std::vector<double> requests;
    const auto client = app.server().client();
    for (unsigned i = 0; i < times; ++i) {
        const unsigned ns = i % kCallers;
        app.agent().kill();
        const auto patch = app.next_edge(ns);
        if (const auto answer = client->merge(patch.path, patch.body); !answer) {
            throw std::runtime_error("PATCH " + patch.path + ": " + answer.error().text());
        }
        const auto before = app.requests();
        const auto begin = Clock::now();
        app.agent().launch();
        const bool changed = support::wait_until([&] {
            const AskedSwitch asked(app.agent());
            if (!asked.passes(ns, 1)) {
                throw std::runtime_error("an allowed call did not pass while the agent started");
            }
            return asked.passes(ns, kCallee) == app.state(ns).edge;
        });
        if (!changed) {
            throw support::SupportError("a restarted agent does not follow:\n" + app.agent().log());
        }
        followed.push_back(seconds_since(begin));
        app.agent().wait_ready();
        ready.push_back(seconds_since(begin));
        std::this_thread::sleep_for(kSettle);
        requests.push_back(static_cast<double>(app.requests() - before));
        progress("restarts", i + 1, times);
    }
    samples.series("restart_followed_s", followed);
    samples.series("restart_ready_s", ready);
    samples.series("requests_start", requests);
    samples.series("restart_rss_mib", {memory_mib(app.agent(), "VmRSS:")});
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_kube", [&] {
        bench::Samples samples;
        bench::KubeApplication app;
        bench::measure_creation(app, samples);
        bench::measure_rest(app, bench::argument(argc, argv, 3, 20), samples);
        bench::measure_restarts(app, bench::argument(argc, argv, 2, 10), samples);
        bench::measure_following(app, bench::argument(argc, argv, 1, 400), samples);
        return samples;
    });
}
