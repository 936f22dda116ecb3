// SPDX-License-Identifier: Apache-2.0
// How soon a change of the manifests is in force: from rename(2) of one file of at most 16 KiB, in
// an application of 1 000 functions with 10 instances each, until a packet meets another verdict or
// the route has another list. And how long 10 000 functions take from nothing. Samples for
// bench/run.
#include <chrono>
#include <optional>
#include <vector>

#include "bench/asked_switch.h"
#include "bench/changes.h"
#include "bench/private_world.h"
#include "bench/program.h"

namespace directfaas::bench {
namespace {

using Clock = std::chrono::steady_clock;

class Application {
   public:
    Application() : app_(kNamespaces), states_(kNamespaces) {
        for (unsigned ns = 0; ns < kNamespaces; ++ns) {
            if (ns < kCallers) {
                states_[ns].interface = caller_interface(ns);
                add_caller(app_.node(), ns);
            }
            app_.prepare(ns, states_[ns]);
            app_.put(ns);
        }
        app_.start();
        switch_.emplace(app_.agent());
    }

    /// Gives or takes the edge f0 → f5 of a namespace; ms until a SYN meets the new verdict.
    double change_edge(unsigned ns) {
        auto& state = states_[ns];
        state.edge = !state.edge;
        return change(ns, [&] { return switch_->passes(ns, kCallee) == state.edge; });
    }

    /// Takes or gives one instance of f5; ms until its route has the new list.
    double change_instances(unsigned ns) {
        auto& state = states_[ns];
        state.instance = !state.instance;
        const unsigned wanted = state.instance ? kInstancesPerFunction : kInstancesPerFunction - 1;
        return change(ns, [&] { return switch_->instances(ns, kCallee) == wanted; });
    }
    [[nodiscard]] const support::Netns& node() const { return app_.node(); }

   private:
    /// Puts the namespace's new file into place; ms until it is in force.
    template <typename Changed>
    double change(unsigned ns, Changed changed) {
        app_.prepare(ns, states_[ns]);
        const auto start = Clock::now();
        app_.put(ns);
        return ms_between(start, when(changed));
    }

    BigApplication app_;
    std::vector<NamespaceState> states_;
    std::optional<AskedSwitch> switch_;
};

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_rules", [&] {
        // The agent inherits this. The thread that asks without a break has the other CPU.
        bench::require(bench::leave_cpu(bench::measured_cpu()));
        bench::Samples samples;
        {
            bench::Application application;
            bench::measure_changes(
                application.node(), bench::argument(argc, argv, 1, 400),
                [&](unsigned i) { return application.change_edge(i % bench::kCallers); },
                [&](unsigned i) { return application.change_instances(i % bench::kNamespaces); },
                samples);
        }
        bench::measure_load(bench::BigApplication::Backend::kEbpf,
                            bench::argument(argc, argv, 2, 5), samples);
        return samples;
    });
}
