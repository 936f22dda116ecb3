// SPDX-License-Identifier: Apache-2.0
#include "bench/http_load.h"

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <string>

#include "bench/http_server.h"
#include "bench/sockets.h"

namespace directfaas::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

class Connection {
   public:
    explicit Connection(const support::SocketAddress& to) : fd_(connect_to(to)) {}
    [[nodiscard]] int fd() const { return fd_.get(); }

    void ask(const std::string& request) {
        start_ = Clock::now();
        if (::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size())) {
            support::throw_errno("send a request");
        }
    }
    /// Reads what is there; true when the answer is complete.
    bool read() {
        std::array<char, 65536> buffer;
        const auto n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (n <= 0) {
            support::throw_errno("read an answer");
        }
        got_ += static_cast<std::size_t>(n);
        if (wanted_ == 0) {
            headers_.append(buffer.data(), static_cast<std::size_t>(n));
            const auto end = header_end(headers_);
            if (end == std::string::npos) {
                return false;
            }
            if (!headers_.starts_with("HTTP/1.1 200")) {
                throw support::SupportError("the answer is " + headers_.substr(0, 60));
            }
            headers_.resize(end);
            wanted_ = end + content_length(headers_);
        }
        if (got_ < wanted_) {
            return false;
        }
        headers_.clear();
        got_ = wanted_ = 0;
        return true;
    }
    [[nodiscard]] double since_asked() const { return Microseconds(Clock::now() - start_).count(); }

   private:
    util::UniqueFd fd_;
    Clock::time_point start_{};
    std::string headers_;
    std::size_t got_ = 0;
    std::size_t wanted_ = 0;  // 0: the headers are not complete
};

void wait_for_answer(Connection& connection) {
    while (!connection.read()) {
    }
}

std::string request_for(const HttpLoad& load) {
    return "GET /" + std::to_string(load.answer_bytes) +
           " HTTP/1.1\r\nHost: callee\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
}

HttpFigures run_anew(const support::SocketAddress& to, const HttpLoad& load) {
    const auto request = request_for(load);
    HttpFigures figures;
    const auto begin = Clock::now();
    for (unsigned i = 0; i < load.requests; ++i) {
        const auto start = Clock::now();
        Connection connection(to);
        connection.ask(request);
        wait_for_answer(connection);
        figures.microseconds.push_back(Microseconds(Clock::now() - start).count());
    }
    figures.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    figures.opened = load.requests;
    return figures;
}

}  // namespace

HttpFigures run_http(const support::SocketAddress& to, const HttpLoad& load) {
    if (!load.keep) {
        return run_anew(to, load);
    }
    const auto request = request_for(load);
    const util::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    std::vector<Connection> connections;
    connections.reserve(load.connections);
    for (unsigned i = 0; i < load.connections; ++i) {
        auto& connection = connections.emplace_back(to);
        connection.ask(request);
        wait_for_answer(connection);
        epoll_event event{.events = EPOLLIN, .data = {.u32 = i}};
        ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, connection.fd(), &event);
    }
    HttpFigures figures;
    figures.opened = load.connections;
    unsigned asked = 0;
    const auto begin = Clock::now();
    for (; asked < std::min(load.connections, load.requests); ++asked) {
        connections[asked].ask(request);
    }
    std::array<epoll_event, 64> ready{};
    while (figures.microseconds.size() < load.requests) {
        const int count = ::epoll_wait(epoll.get(), ready.data(), ready.size(), -1);
        for (int i = 0; i < count; ++i) {
            auto& connection = connections[ready.at(static_cast<std::size_t>(i)).data.u32];
            if (!connection.read()) {
                continue;
            }
            figures.microseconds.push_back(connection.since_asked());
            if (asked < load.requests) {
                connection.ask(request);
                ++asked;
            }
        }
    }
    figures.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return figures;
}

}  // namespace directfaas::bench
