// SPDX-License-Identifier: Apache-2.0
// The questions of rules.cpp to Open vSwitch (userspace datapath). A change is in force when a
// packet follows it, so packets are what is asked: SYNs of ever new ports go into the caller's
// veth, one after the other, and what comes out of the bridge's LOCAL port, on its way to an
// instance, or comes back as a refusal, tells which rules each one met.
#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "bench/changes.h"
#include "bench/frame_tap.h"
#include "bench/private_world.h"
#include "bench/program.h"
#include "test/support/packet.h"
#include "test/support/socket.h"

namespace directfaas::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::chrono::seconds kPatience{10};
/// A packet whose fate is not seen for so long has met neither.
constexpr std::chrono::milliseconds kFateWait{2};
/// Between two packets, which take CPU from the switch. What is measured may be off by so much.
constexpr std::chrono::microseconds kPace{400};
/// Two instances are met by chance: so many packets in a row without the one that was taken mean
/// that it is gone.
constexpr unsigned kEnough = 20;

std::string interface_name(unsigned ns) { return "b" + std::to_string(ns); }
std::string pod_end(unsigned ns) { return "p" + std::to_string(ns); }

class Application {
   public:
    Application() : app_(kNamespaces, BigApplication::Backend::kOvs), states_(kNamespaces) {
        for (unsigned ns = 0; ns < kNamespaces; ++ns) {
            if (ns < kCallers) {
                add_pod(ns);
            }
            app_.prepare(ns, states_[ns]);
            app_.put(ns);
        }
        app_.start();
    }
    [[nodiscard]] const support::Netns& node() const { return app_.node(); }

    /// Gives the edge f0 → f5 of a namespace, unless it is there; ms until SYNs, which are refused
    /// all the time, meet the new verdict.
    double give_edge(unsigned ns) {
        if (std::exchange(states_[ns].edge, true)) {
            return 0;
        }
        return until(ns, {Fate::kFirst, Fate::kLast}, {});
    }
    /// Takes it; the same.
    double take_edge(unsigned ns) {
        states_[ns].edge = false;
        return until(ns, {}, {Fate::kFirst, Fate::kLast});
    }
    /// Takes or gives one instance of f5; ms until calls go there, or have ceased to. Calls must
    /// pass to show that: there must be the edge.
    double change_instances(unsigned ns) {
        auto& state = states_[ns];
        state.instance = !state.instance;
        return state.instance ? until(ns, {Fate::kLast}, {}) : until(ns, {}, {Fate::kLast});
    }

   private:
    void add_pod(unsigned ns) {
        states_[ns].interface = interface_name(ns);
        states_[ns].few = true;
        app_.node().ip({"link add " + interface_name(ns) +
                            " address 0e:00:00:00:00:01 type veth peer name " + pod_end(ns),
                        "link set " + interface_name(ns) + " arp off up",
                        "link set " + pod_end(ns) + " arp off up"});
        app_.vswitch().add_port(interface_name(ns));
    }
    Clock::time_point change(unsigned ns) {
        app_.prepare(ns, states_[ns]);
        const auto start = Clock::now();
        app_.put(ns);
        return start;
    }
    void send(unsigned ns, const support::FrameSender& sender) {
        port_ = port_ == 65000 ? 1024 : static_cast<std::uint16_t>(port_ + 1);
        const support::Mac bridge{0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
        sender.send(
            (support::Eth{.dst = bridge} /
             support::Ip4{.src = pod_address(ns, 0, 0), .dst = service_address(ns, kCallee)} /
             support::Tcp{.sport = port_, .dport = kPort, .flags = support::tcp_flag::kSyn})
                .bytes());
    }
    enum class Fate : std::uint8_t { kFirst, kLast, kRefused, kLost };
    /// What becomes of one SYN.
    Fate ask(unsigned ns, const support::FrameSender& sender, FrameTap& out, FrameTap& back) {
        send(ns, sender);
        const auto sent = Clock::now();
        while (Clock::now() - sent < kFateWait) {
            if (const auto seen = out.take()) {
                const auto last = pod_address(ns, kCallee, 1);
                return seen->destination == last ? Fate::kLast : Fate::kFirst;
            }
            if (back.take()) {
                return Fate::kRefused;
            }
        }
        return Fate::kLost;
    }
    /// Makes the change; ms until a packet's fate is one of `after`, or until the last one whose
    /// fate is one of `before`.
    double until(unsigned ns, std::initializer_list<Fate> after,
                 std::initializer_list<Fate> before) {
        const support::FrameSender sender(app_.node(), pod_end(ns));
        FrameTap out(app_.vswitch().bridge());
        FrameTap back(pod_end(ns));
        const auto start = change(ns);
        auto last = start;
        for (unsigned others = 0; others < kEnough;) {
            const Fate fate = ask(ns, sender, out, back);
            const auto now = Clock::now();
            if (std::ranges::find(after, fate) != after.end()) {
                return Milliseconds(now - start).count();
            }
            const bool old = std::ranges::find(before, fate) != before.end();
            last = old ? now : last;
            others = old || after.size() > 0 ? 0 : others + 1;
            if (now - start > kPatience) {
                throw std::runtime_error("a change was not in force within 10 s");
            }
            while (Clock::now() - now < kPace) {
            }
        }
        return Milliseconds(last - start).count();
    }

    BigApplication app_;
    std::vector<NamespaceState> states_;
    std::uint16_t port_ = 1024;
};

/// Of an agent that has done its first work and reads the switch's counters from time to time.
void measure_memory(const BigApplication& app, Samples& samples) {
    constexpr std::chrono::seconds kCalm{20};
    std::this_thread::sleep_for(kCalm);
    samples.note("rss_mib", app.agent_mib("VmRSS:"));
    samples.note("peak_mib", app.agent_mib("VmHWM:"));
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_rules_ovs", [&] {
        // Agent and switch inherit this. The thread that asks without a break has the other CPU.
        bench::require(bench::leave_cpu_to_several(bench::measured_cpu()));
        bench::Samples samples;
        {
            bench::Application application;
            std::vector<double> given;
            bench::measure_changes(
                application.node(), bench::argument(argc, argv, 1, 200),
                [&](unsigned i) {
                    const unsigned ns = i % bench::kCallers;
                    application.give_edge(ns);  // the first time
                    const double took = application.take_edge(ns);
                    given.push_back(application.give_edge(ns));
                    return took;
                },
                [&](unsigned i) { return application.change_instances(i % bench::kCallers); },
                samples);
            samples.series("given_ms", std::move(given));
        }
        if (const auto times = bench::argument(argc, argv, 2, 1); times > 0) {
            bench::measure_load(bench::BigApplication::Backend::kOvs, times, samples,
                                [&](const auto& app) { bench::measure_memory(app, samples); });
        }
        return samples;
    });
}
