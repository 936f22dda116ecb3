// SPDX-License-Identifier: Apache-2.0
// How soon a change of the manifests is in force: from rename(2) of one file of at most 16 KiB, in
// an application of 1 000 functions with 10 instances each, until a packet meets another verdict or
// the route has another list. And how long 10 000 functions take from nothing. Samples for
// bench/run.
#include <bpf/bpf.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "bench/changes.h"
#include "bench/private_world.h"
#include "bench/program.h"
#include "bench/repeater.h"
#include "bench/switch_under_test.h"
#include "maps/route.h"

namespace directfaas::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr unsigned kNamespaces = 100;
constexpr unsigned kCallers = 10;  // namespaces with a pod on this node
constexpr unsigned kCallee = 5;    // the function that changes (see NamespaceState)
constexpr std::chrono::seconds kPatience{10};

util::UniqueFd open_pin(const std::string& path) {
    util::UniqueFd fd(bpf_obj_get(path.c_str()));
    if (!fd.valid()) {
        throw std::runtime_error("open " + path + ": " + std::strerror(errno));
    }
    return fd;
}

/// Waits, as fast as it can ask, for `changed`; ms since `start`.
template <typename Changed>
double ms_until(Clock::time_point start, Changed changed) {
    while (!changed()) {
        if (Clock::now() - start > kPatience) {
            throw std::runtime_error("a change was not in force within 10 s");
        }
    }
    return Milliseconds(Clock::now() - start).count();
}

std::string interface_name(unsigned ns) { return "b" + std::to_string(ns); }

class Application {
   public:
    Application() : app_(kNamespaces), states_(kNamespaces) {
        for (unsigned ns = 0; ns < kNamespaces; ++ns) {
            if (ns < kCallers) {
                states_[ns].interface = interface_name(ns);
                app_.node().ip({"link add " + interface_name(ns) + " type veth peer name p" +
                                    std::to_string(ns),
                                "link set " + interface_name(ns) + " up"});
            }
            app_.prepare(ns, states_[ns]);
            app_.put(ns);
        }
        app_.start();
        from_pod_ = open_pin(app_.pin("prog/from_pod"));
        vip_ = open_pin(app_.pin("vip"));
    }

    /// Gives or takes the edge f0 → f5 of a namespace; ms until a SYN meets the new verdict.
    double change_edge(unsigned ns) {
        auto& state = states_[ns];
        state.edge = !state.edge;
        const auto syn = segment(pod_address(ns, 0, 0), 40000, service_address(ns, kCallee), kPort,
                                 support::tcp_flag::kSyn);
        const Arrival arrival{if_nametoindex(interface_name(ns).c_str()), 0};
        app_.prepare(ns, state);
        const auto start = Clock::now();
        app_.put(ns);
        return ms_until(start, [&] {
            return (run_once(from_pod_.get(), arrival, syn).verdict == kNext) == state.edge;
        });
    }

    /// Takes or gives one instance of f5; ms until its route has the new list.
    double change_instances(unsigned ns) {
        auto& state = states_[ns];
        state.instance = !state.instance;
        df_vip_key key{.addr = {}, .port = htons(kPort), .proto = IPPROTO_TCP, .pad = 0};
        std::ranges::copy(service_address(ns, kCallee).bytes(), key.addr.bytes);
        const unsigned wanted = state.instance ? kInstancesPerFunction : kInstancesPerFunction - 1;
        app_.prepare(ns, state);
        const auto start = Clock::now();
        app_.put(ns);
        return ms_until(start, [&] {
            df_vip route{};
            return bpf_map_lookup_elem(vip_.get(), &key, &route) == 0 && route.count == wanted;
        });
    }
    [[nodiscard]] const support::Netns& node() const { return app_.node(); }

   private:
    BigApplication app_;
    std::vector<NamespaceState> states_;
    util::UniqueFd from_pod_;
    util::UniqueFd vip_;
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
