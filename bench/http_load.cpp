// SPDX-License-Identifier: Apache-2.0
#include "bench/http_load.h"

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <optional>
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

    /// `start`: when its time began.
    void ask(const std::string& request, Clock::time_point start) {
        start_ = start;
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
    [[nodiscard]] Clock::time_point asked_at() const { return start_; }
    [[nodiscard]] double since_asked() const { return Microseconds(Clock::now() - start_).count(); }

   private:
    util::UniqueFd fd_;
    Clock::time_point start_{};
    std::string headers_;
    std::size_t got_ = 0;
    std::size_t wanted_ = 0;  // 0: the headers are not complete
};

std::string request_for(const HttpLoad& load) {
    return "GET /" + std::to_string(load.answer_bytes) +
           " HTTP/1.1\r\nHost: callee\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
}

/// So many connections, each with one request under way.
class Client {
   public:
    Client(const support::SocketAddress& to, const HttpLoad& load)
        : to_(to),
          load_(load),
          request_(request_for(load)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          connections_(load.connections) {}

    HttpFigures run() {
        if (load_.keep) {
            warm_up();
        }
        const auto begin = Clock::now();
        while (asked_ < std::min(load_.connections, load_.requests)) {
            ask(asked_);
        }
        std::array<epoll_event, 64> ready{};
        while (figures_.microseconds.size() < load_.requests) {
            const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), -1);
            for (int i = 0; i < count; ++i) {
                take(ready.at(static_cast<std::size_t>(i)).data.u32);
            }
        }
        figures_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        return std::move(figures_);
    }

   private:
    void open(unsigned number) {
        auto& connection = connections_[number].emplace(to_);
        epoll_event event{.events = EPOLLIN, .data = {.u32 = number}};
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd(), &event);
        ++figures_.opened;
    }

    /// Each is asked once before the time counts.
    void warm_up() {
        for (unsigned i = 0; i < load_.connections; ++i) {
            open(i);
            connections_[i]->ask(request_, Clock::now());
            while (!connections_[i]->read()) {
            }
        }
    }

    /// The next request goes on that connection, or on a new one in its place.
    void ask(unsigned number) {
        const auto start = Clock::now();
        if (!load_.keep) {
            open(number);
        }
        connections_[number]->ask(request_, start);
        ++asked_;
    }

    /// What has arrived on a connection.
    void take(unsigned number) {
        auto& connection = connections_[number];
        if (!connection->read()) {
            return;
        }
        if (load_.keep) {
            figures_.microseconds.push_back(connection->since_asked());
        } else {
            const auto start = connection->asked_at();
            connection.reset();
            figures_.microseconds.push_back(Microseconds(Clock::now() - start).count());
        }
        if (asked_ < load_.requests) {
            ask(number);
        }
    }

    const support::SocketAddress& to_;
    const HttpLoad& load_;
    std::string request_;
    util::UniqueFd epoll_;
    std::vector<std::optional<Connection>> connections_;
    unsigned asked_ = 0;
    HttpFigures figures_;
};

}  // namespace

HttpFigures run_http(const support::SocketAddress& to, const HttpLoad& load) {
    return Client(to, load).run();
}

}  // namespace directfaas::bench
