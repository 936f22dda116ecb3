// SPDX-License-Identifier: Apache-2.0
// What a call to a function without an instance waits for beyond the instance itself: from the
// moment its port is listened on, or (where it listens already) from the moment the manifests name
// it, until the caller has the first byte of the answer. The real agent keeps each call, over and
// over; caller, instance and agent on one node. Samples for bench/run.
#include <fcntl.h>
#include <sys/socket.h>

#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/private_world.h"
#include "bench/program.h"
#include "bench/samples.h"
#include "test/support/cluster.h"

namespace directfaas::bench {
namespace {

using support::InstanceState;
using support::NodeId;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

/// What comes last before the call can go on.
enum class Last : std::uint8_t { kListening, kEndpoint };

/// Answers the first line that comes; connections that end without one are port proofs.
void answer_one(int listener) {
    while (true) {
        const util::UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        if (!client.valid()) {
            support::throw_errno("accept");
        }
        char line = 0;
        if (::recv(client.get(), &line, 1, MSG_WAITALL) == 1) {
            (void)::send(client.get(), "y\n", 2, MSG_NOSIGNAL);
            return;
        }
    }
}

class World {
   public:
    World() : cluster_({.attach = "auto"}) {
        cluster_.add_function({.name = "caller"});
        cluster_.add_function({.name = "callee", .scale_from_zero = "Direct"});
        cluster_.add_edges("caller", {"callee"});
        caller_ = cluster_.add_instance("caller", NodeId::kA, false).pod;
        callee_ = &cluster_.add_instance("callee", NodeId::kA, false);
        callee_->state = InstanceState::kNotReady;
        cluster_.start();
    }

    /// One call from zero; ms from `last` to the first byte of the answer.
    double call(Last last, std::chrono::microseconds pause) {
        const auto port = cluster_.direct(*callee_).port;
        const auto listener = blocking_listener(port);
        if (last == Last::kEndpoint && ::listen(listener.get(), 16) != 0) {
            support::throw_errno("listen");
        }
        auto client = support::TcpClient::start(caller_->netns(), cluster_.vip("callee"));
        if (!client || !support::wait_until([&] { return held() == 1; })) {
            throw std::runtime_error("the call is not held:\n" + cluster_.logs());
        }
        if (last == Last::kListening) {
            set_state(InstanceState::kReady);
            cluster_.sync();
        }
        std::this_thread::sleep_for(pause);  // the instance's own time, at any phase of the proof

        std::thread instance;
        const auto begin = Clock::now();
        if (last == Last::kListening) {
            ::listen(listener.get(), 16);
        } else {
            set_state(InstanceState::kReady);
        }
        instance = std::thread([&] { answer_one(listener.get()); });
        const auto connected = client->finish();
        const auto answer = connected ? client->ask("x") : util::Result<std::string>("");
        const auto end = Clock::now();
        instance.join();
        if (answer.value_or("") != "y") {
            throw std::runtime_error("the call was lost:\n" + cluster_.logs());
        }
        set_state(InstanceState::kNotReady);
        cluster_.sync();
        return Milliseconds(end - begin).count();
    }

   private:
    [[nodiscard]] util::UniqueFd blocking_listener(std::uint16_t port) const {
        auto fd = support::bound_socket(callee_->pod->netns(), AF_INET, SOCK_STREAM, port);
        const int flags = ::fcntl(fd.get(), F_GETFL);
        ::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK);
        return fd;
    }
    void set_state(InstanceState state) {
        callee_->state = state;
        cluster_.publish();
    }
    [[nodiscard]] std::uint64_t held() {
        const auto status = cluster_.agent(NodeId::kA).control({{"command", "status"}});
        for (const auto& function : status.at("functions")) {
            if (function.at("name") == "shop/callee") {
                return function.at("held_now");
            }
        }
        return 0;
    }

    support::Cluster cluster_;
    const support::Pod* caller_ = nullptr;
    support::Instance* callee_ = nullptr;
};

Samples measure(unsigned calls) {
    World world;
    (void)take_cpu(measured_cpu());
    std::mt19937 random(1);
    std::uniform_int_distribution<int> pause_us(0, 20000);
    std::vector<double> listening;
    std::vector<double> endpoint;
    for (unsigned i = 0; i < calls; ++i) {
        listening.push_back(
            world.call(Last::kListening, std::chrono::microseconds(pause_us(random))));
        endpoint.push_back(
            world.call(Last::kEndpoint, std::chrono::microseconds(pause_us(random))));
        progress("cold", i + 1, calls);
    }
    Samples samples;
    samples.series("listening_ms", listening);
    samples.series("endpoint_ms", endpoint);
    return samples;
}

}  // namespace
}  // namespace directfaas::bench

int main(int argc, char** argv) {
    namespace bench = directfaas::bench;
    return bench::run_program("bench_cold", [&] {
        // The agent inherits this; caller and instance have the other CPU.
        bench::require(bench::leave_cpu(bench::measured_cpu()));
        return bench::measure(bench::argument(argc, argv, 1, 500));
    });
}
