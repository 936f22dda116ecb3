// SPDX-License-Identifier: Apache-2.0
// What a caller feels on a node where a real kube-proxy has made rules for 10, 1 000 and 10 000
// Services, and the switch has as many functions: by pod IP without and with those rules, by
// kube-proxy's ClusterIP, and by vIP through the switch by both its paths. Request and answer on a
// kept connection, and connect + request + close; IPv4; all pods' work on one CPU. Prints samples
// for bench/run.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <string>

#include "bench/big_application.h"
#include "bench/kube_proxy.h"
#include "bench/private_world.h"
#include "bench/program.h"
#include "bench/round_trip.h"
#include "bench/samples.h"
#include "bench/ways.h"
#include "test/support/wait.h"

namespace directfaas::bench {
namespace {

using support::Family;
using support::SocketAddress;

constexpr unsigned kRequests = 1000;    // of one measurement on a kept connection
constexpr unsigned kConnections = 250;  // of one measurement with new ones

/// Two nodes where kube-proxy works in one mode: the switch takes the stack path on one, the fast
/// path on the other.
struct Mode {
    explicit Mode(std::string mode) : name(std::move(mode)) {}

    std::string name;  // "iptables", "nftables"
    Node stack{Way::kStack};
    Node fast{Way::kFast};
};

/// One way from client to server.
struct Variant {
    std::string name;  // "iptables_service"
    const support::Netns* client = nullptr;
    std::vector<SocketAddress> to;  // each is the same server
    bool counted = false;           // its connections go through the switch
};

/// Files of ten functions with ten instances each, until the agent has `functions` of them. The
/// first namespace's addresses are those of the node's own functions.
void give_functions(Node& node, unsigned functions) {
    const std::filesystem::path directory = node.agent().options().manifests;
    const auto aside = directory / ".next";
    for (unsigned ns = 1; ns <= functions / kFunctionsPerNamespace; ++ns) {
        const auto file = directory / fmt::format("n{}.json", ns);
        if (!std::filesystem::exists(file)) {
            std::ofstream(aside) << namespace_manifest(ns, {});
            std::filesystem::rename(aside, file);
        }
    }
    const auto served = [&] {
        const auto status = node.agent().control({{"command", "status"}});
        return std::ranges::count_if(status.at("functions"),
                                     [](const auto& function) { return function.at("ready") > 0; });
    };
    constexpr auto kOwn = 2;  // caller and callee
    if (!support::wait_until([&] { return served() == kOwn + functions; },
                             std::chrono::minutes(2))) {
        throw support::SupportError(fmt::format("the agent serves {} of {} functions:\n{}",
                                                served(), kOwn + functions, node.agent().log()));
    }
}

class Scale {
   public:
    Scale() {
        for (const auto* name : {"iptables", "nftables"}) {
            modes_.emplace_back(name);
        }
        serve(bare_, true);
        for (auto& mode : modes_) {
            for (Node* node : {&mode.stack, &mode.fast}) {
                serve(*node, true);
                serve(*node, false);
                services_.connect(node->netns());
            }
        }
    }

    /// Measures with `count` Services and functions; names end in it.
    void measure(unsigned count, unsigned rounds, Samples& samples) {
        prepare(count, samples);
        auto all = variants();
        for (unsigned round = 0; round < rounds; ++round) {
            std::ranges::shuffle(all, random_);
            for (const Variant& variant : all) {
                measure_one(variant, round, fmt::format("{}_{}", variant.name, count));
            }
            progress(fmt::format("scale, {} Services", count), round + 1, rounds);
        }
    }

    /// Rounds of all counts together: those with the same number belong to each other.
    void write(Samples& samples) {
        for (const auto& [number, values] : rounds_) {
            samples.next_round();
            for (const auto& [name, value] : values) {
                samples.add(name, value);
            }
        }
        std::uint64_t counted = 0;
        for (const Mode& mode : modes_) {
            counted += mode.stack.counted() + mode.fast.counted();
        }
        if (counted != connections_) {
            throw std::runtime_error(
                fmt::format("the switch counted {} connections, there were {}: something went "
                            "past it",
                            counted, connections_));
        }
    }

   private:
    void serve(const Node& node, bool plain) {
        servers_.emplace_back(node.server(plain).netns(), kServerPort, measured_cpu());
        if (plain && node.address(true, Family::kV4) != bare_.address(true, Family::kV4)) {
            throw std::runtime_error("servers have different addresses: one Service is not enough");
        }
    }

    void prepare(unsigned count, Samples& samples) {
        services_.grow(count);
        for (auto& mode : modes_) {
            std::vector<double> seconds;
            for (Node* node : {&mode.stack, &mode.fast}) {
                give_functions(*node, count);
                seconds.push_back(
                    services_.load(node->netns(), mode.name, node->client(true).netns()));
            }
            samples.series(fmt::format("load_{}_{}_s", mode.name, count), seconds);
        }
    }

    [[nodiscard]] std::vector<Variant> variants() {
        const auto way = [](std::string name, const Node& node, bool plain) {
            return Variant{std::move(name),
                           &node.client(plain).netns(),
                           {node.address(plain, Family::kV4)},
                           !plain};
        };
        std::vector<Variant> all{way("plain", bare_, true)};
        for (const Mode& mode : modes_) {
            all.push_back(way(mode.name + "_plain", mode.stack, true));
            all.push_back({mode.name + "_service", &mode.stack.client(true).netns(),
                           services_.servers(), false});
            all.push_back(way(mode.name + "_stack", mode.stack, false));
            all.push_back(way(mode.name + "_fast", mode.fast, false));
        }
        return all;
    }

    void measure_one(const Variant& variant, unsigned round, const std::string& name) {
        std::vector<double> kept;
        std::vector<double> anew;
        variant.client->run([&] {
            (void)take_cpu(measured_cpu());
            kept = kept_connection(variant.to[round % variant.to.size()], kRequests);
            for (const SocketAddress& to : variant.to) {
                const auto part =
                    new_connections(to, kConnections / static_cast<unsigned>(variant.to.size()));
                anew.insert(anew.end(), part.begin(), part.end());
            }
        });
        connections_ += variant.counted ? 1 + anew.size() : 0;
        auto& values = rounds_[round];
        for (auto& [kind, times] : {std::pair{"rr", &kept}, std::pair{"crr", &anew}}) {
            for (const auto& [share, text] :
                 {std::pair{0.5, "p50"}, std::pair{0.99, "p99"}, std::pair{0.999, "p999"}}) {
                values[fmt::format("{}_{}_{}", kind, name, text)] = quantile(*times, share);
            }
        }
    }

    Node bare_{Way::kStack};  // without kube-proxy; its switch is not used
    std::list<Mode> modes_;
    std::list<EchoServer> servers_;
    KubeServices services_{bare_.address(true, Family::kV4)};
    std::mt19937 random_{1};
    std::map<unsigned, std::map<std::string, double>> rounds_;  // by number
    std::uint64_t connections_ = 0;                             // through the switch
};

Samples measure(unsigned rounds, unsigned largest) {
    Scale scale;
    Samples samples;
    for (const unsigned count : {10U, 1000U, 10000U}) {
        if (count <= largest) {
            scale.measure(count, rounds, samples);
        }
    }
    scale.write(samples);
    return samples;
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_scale", [&] {
        return bench::measure(bench::argument(argc, argv, 1, 40),
                              bench::argument(argc, argv, 2, 10000));
    });
}
