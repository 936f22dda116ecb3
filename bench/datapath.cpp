// SPDX-License-Identifier: Apache-2.0
// What a packet costs in from_pod and to_pod, by BPF_PROG_TEST_RUN: established and new
// connections, both families, with 10 and with 10 000 functions, against a program that does
// nothing but DNAT and one that does nothing. Prints samples for bench/run.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <net/if.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>

#include "bench/bpf/dnat_only.h"
#include "bench/private_world.h"
#include "bench/program.h"
#include "bench/samples.h"
#include "bench/switch_under_test.h"
#include "dnat_only.skel.h"

namespace directfaas::bench {
namespace {

constexpr unsigned kTurns = 20000;  // of one measurement; below BENCH_PORTS
constexpr unsigned kSpread = 512;   // connections of the "spread" variants

/// One thing that is measured, and what must be put in order after each measurement.
struct Variant {
    std::string name;
    Repeater repeater;
    SwitchUnderTest* renewed = nullptr;  // its new connections are forgotten afterwards
};

std::uint16_t port(unsigned number) {
    return static_cast<std::uint16_t>(kEstablishedPorts + number);
}

/// The reference program with the same vIPs as the switch.
class DnatOnly {
   public:
    explicit DnatOnly(unsigned functions)
        : object_(dnat_only_bpf::open_and_load(), dnat_only_bpf::destroy) {
        if (object_ == nullptr) {
            throw std::runtime_error("load bench/bpf/dnat_only.bpf.c");
        }
        for (unsigned f = 0; f < functions; ++f) {
            add_v4(vip_v4(f), instance_v4(f, 0));
            add_v6(vip_v6(f), instance_v6(f, 0));
        }
    }
    [[nodiscard]] int program() const { return bpf_program__fd(object_->progs.dnat_only); }

   private:
    void add_v4(const util::IpAddress& vip, const util::IpAddress& to) {
        dnat_v4_key key{.addr = 0, .port = htons(kServicePort), .pad = 0};
        dnat_v4 value{.addr = 0, .port = htons(kTargetPort), .pad = 0};
        std::memcpy(&key.addr, vip.bytes().data() + 12, 4);
        std::memcpy(&value.addr, to.bytes().data() + 12, 4);
        bpf_map_update_elem(bpf_map__fd(object_->maps.dnat_v4), &key, &value, BPF_ANY);
    }
    void add_v6(const util::IpAddress& vip, const util::IpAddress& to) {
        dnat_v6_key key{.addr = {}, .port = htons(kServicePort), .pad = 0};
        dnat_v6 value{.addr = {}, .port = htons(kTargetPort), .pad = 0};
        std::ranges::copy(vip.bytes(), key.addr.bytes);
        std::ranges::copy(to.bytes(), value.addr.bytes);
        bpf_map_update_elem(bpf_map__fd(object_->maps.dnat_v6), &key, &value, BPF_ANY);
    }
    std::unique_ptr<dnat_only_bpf, void (*)(dnat_only_bpf*)> object_;
};

class Measurement {
   public:
    void add(const std::string& name, int program, Arrival arrival,
             const std::vector<Passage>& passages) {
        std::vector<support::Bytes> frames;
        for (const auto& passage : passages) {
            frames.push_back(passage.arrives);
        }
        Repeater repeater(program, arrival, frames);
        repeater.expect(passages.front().leaves);
        variants_.push_back({name, std::move(repeater)});
    }
    void add_new(const std::string& name, SwitchUnderTest& sw, int program, Arrival arrival,
                 const support::Bytes& syn) {
        variants_.push_back({name, Repeater(program, arrival, {syn}, true), &sw});
    }
    /// `empty` as the target, for the same frames: what the measuring itself costs.
    void add_idle(const std::string& name, const std::vector<support::Bytes>& frames,
                  bool new_ports = false) {
        variants_.push_back({name, Repeater(empty_program(), {}, frames, new_ports)});
    }

    Samples run(unsigned rounds) {
        Samples samples;
        std::mt19937 random(1);
        std::vector<std::size_t> order(variants_.size());
        std::iota(order.begin(), order.end(), 0);
        for (unsigned round = 0; round < rounds; ++round) {
            samples.next_round();
            samples.add("bare", bare_turn(kTurns));
            std::ranges::shuffle(order, random);
            for (const auto i : order) {
                samples.add(variants_[i].name, run(variants_[i]));
                if (variants_[i].renewed != nullptr) {
                    variants_[i].renewed->forget_new();
                }
            }
            progress("datapath", round + 1, rounds);
        }
        return samples;
    }

   private:
    static double run(Variant& variant) {
        try {
            return variant.repeater.run(kTurns);
        } catch (const std::exception& error) {
            throw std::runtime_error(variant.name + ": " + error.what());
        }
    }
    std::vector<Variant> variants_;
};

/// Everything of one family on one switch.
void add_family(Measurement& measurement, SwitchUnderTest& sw, bool v6, const std::string& suffix) {
    const auto connection = sw.open(1, v6, port(0));
    measurement.add("call" + suffix, sw.from_pod(), sw.at_caller(), {connection.call});
    measurement.add("answer" + suffix, sw.to_pod(), sw.at_caller(), {connection.answer});
    measurement.add("serve" + suffix, sw.to_pod(), sw.at_callee(), {connection.serve});
    measurement.add("reply" + suffix, sw.from_pod(), sw.at_callee(), {connection.reply});
    const auto caller = v6 ? instance_v6(0, 0) : instance_v4(0, 0);
    const auto own = v6 ? instance_v6(1, 0) : instance_v4(1, 0);
    const auto vip = v6 ? vip_v6(1) : vip_v4(1);
    constexpr auto kSyn = support::tcp_flag::kSyn;
    measurement.add_new("new_call" + suffix, sw, sw.from_pod(), sw.at_caller(),
                        segment(caller, port(0), vip, kServicePort, kSyn));
    measurement.add_new("new_serve" + suffix, sw, sw.to_pod(), sw.at_callee(),
                        segment(caller, port(0), own, kTargetPort, kSyn));
    const auto elsewhere = *util::IpAddress::parse(v6 ? "2001:db8::1" : "192.0.2.1");
    const auto other = segment(caller, port(0), elsewhere, 443, support::tcp_flag::kAck);
    measurement.add("other" + suffix, sw.from_pod(), sw.at_caller(), {{other, other}});
}

/// Many connections at once, to as many functions as there are.
void add_spread(Measurement& measurement, SwitchUnderTest& sw, unsigned functions,
                const std::string& suffix) {
    std::vector<Passage> calls;
    for (unsigned i = 0; i < kSpread; ++i) {
        const auto callee = 1 + i % (std::min(functions, kCallees) - 1);
        calls.push_back(sw.open(callee, false, port(100 + i)).call);
    }
    measurement.add("call_spread" + suffix, sw.from_pod(), sw.at_caller(), calls);
}

void add_references(Measurement& measurement, const DnatOnly& dnat) {
    constexpr auto kData = support::tcp_flag::kPsh | support::tcp_flag::kAck;
    constexpr auto kSyn = support::tcp_flag::kSyn;
    for (const bool v6 : {false, true}) {
        const std::string family = v6 ? "_v6" : "_v4";
        const auto caller = v6 ? instance_v6(0, 0) : instance_v4(0, 0);
        const auto vip = v6 ? vip_v6(1) : vip_v4(1);
        const auto to = v6 ? instance_v6(1, 0) : instance_v4(1, 0);
        const auto data = segment(caller, port(0), vip, kServicePort, kData);
        measurement.add("dnat_only" + family, dnat.program(), {},
                        {{data, segment(caller, port(0), to, kTargetPort, kData)}});
        measurement.add_idle("idle" + family, {data});
        measurement.add_idle("idle_new" + family,
                             {segment(caller, port(0), vip, kServicePort, kSyn)}, true);
    }
    std::vector<support::Bytes> many(
        kSpread, segment(instance_v4(0, 0), port(0), vip_v4(1), kServicePort, kData));
    measurement.add_idle("idle_spread_v4", many);
}

unsigned interface(const char* name) {
    const unsigned index = if_nametoindex(name);
    if (index == 0) {
        throw std::runtime_error(std::string("no interface ") + name);
    }
    return index;
}

Samples measure(unsigned rounds) {
    if (std::system("ip link add caller type veth peer name callee") != 0) {  // NOLINT(*-env33-c)
        throw std::runtime_error("cannot make interfaces");
    }
    const unsigned caller = interface("caller");
    const unsigned callee = interface("callee");
    Measurement measurement;
    SwitchUnderTest small("bench-small", 10, caller, callee);
    SwitchUnderTest large("bench-large", 10000, caller, callee);
    const DnatOnly dnat(10000);
    for (const bool v6 : {false, true}) {
        const std::string family = v6 ? "_v6" : "_v4";
        add_family(measurement, small, v6, family + "_10");
        add_family(measurement, large, v6, family + "_10000");
    }
    add_spread(measurement, small, 10, "_v4_10");
    add_spread(measurement, large, 10000, "_v4_10000");
    add_references(measurement, dnat);
    require(take_cpu(measured_cpu()));
    return measurement.run(rounds);
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_datapath",
                              [&] { return bench::measure(bench::argument(argc, argv, 1, 100)); });
}
