// SPDX-License-Identifier: Apache-2.0
#include "bench/round_trip.h"

#include <array>
#include <chrono>

#include "bench/private_world.h"
#include "bench/sockets.h"

namespace directfaas::bench {
namespace {

using Clock = std::chrono::steady_clock;
using support::throw_errno;

constexpr std::size_t kBytes = 200;
using Message = std::array<char, kBytes>;

/// False when the peer closed.
bool receive(int fd) {
    Message message;
    std::size_t got = 0;
    while (got < message.size()) {
        const auto n = ::recv(fd, message.data() + got, message.size() - got, 0);
        if (n <= 0) {
            return false;
        }
        got += static_cast<std::size_t>(n);
    }
    return true;
}

bool send(int fd) {
    static const Message kMessage{};
    return ::send(fd, kMessage.data(), kMessage.size(), MSG_NOSIGNAL) == ssize_t{kBytes};
}

void request(int fd) {
    if (!send(fd) || !receive(fd)) {
        throw_errno("request");
    }
}

double since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

}  // namespace

EchoServer::EchoServer(const support::Netns& netns, std::uint16_t port, int cpu)
    : listener_(listen_in(netns, port)), thread_([this, cpu] {
          (void)take_cpu(cpu);
          serve();
      }) {}

EchoServer::~EchoServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
}

void EchoServer::serve() const {
    while (true) {
        const util::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client.valid()) {
            return;
        }
        set_no_delay(client.get());
        while (receive(client.get()) && send(client.get())) {
        }
    }
}

std::vector<double> kept_connection(const support::SocketAddress& to, unsigned count) {
    constexpr unsigned kWarmUp = 50;
    const auto fd = connect_to(to);
    for (unsigned i = 0; i < kWarmUp; ++i) {
        request(fd.get());
    }
    std::vector<double> times(count);
    for (auto& time : times) {
        const auto start = Clock::now();
        request(fd.get());
        time = since(start);
    }
    return times;
}

std::vector<double> new_connections(const support::SocketAddress& to, unsigned count) {
    std::vector<double> times(count);
    for (auto& time : times) {
        const auto start = Clock::now();
        auto fd = connect_to(to);
        request(fd.get());
        fd.reset();
        time = since(start);
    }
    return times;
}

}  // namespace directfaas::bench
