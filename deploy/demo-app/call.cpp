// SPDX-License-Identifier: Apache-2.0
#include "deploy/demo-app/call.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "lib/util/unique_fd.h"

namespace directfaas::demo {
namespace {

using Clock = std::chrono::steady_clock;
using Lookup = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

/// SIGTERM is blocked and asked for between requests, so that it never cuts one short.
class StopSignal {
   public:
    StopSignal() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigprocmask(SIG_BLOCK, &set_, nullptr);
    }
    [[nodiscard]] bool came() const {
        const timespec now{};
        return sigtimedwait(&set_, nullptr, &now) == SIGTERM;
    }

   private:
    sigset_t set_{};
};

enum class Became { kOk, kRefused, kUnreachable, kTimeout, kFailed };

struct Answer {
    Became became = Became::kFailed;
    std::string body;
};

Lookup look_up(const std::string& host, int port, bool numeric) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = numeric ? AI_NUMERICHOST : 0;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
        found = nullptr;
    }
    return {found, freeaddrinfo};
}

Became of_errno(int code) {
    switch (code) {
        case ECONNREFUSED:
            return Became::kRefused;
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EACCES:
            return Became::kUnreachable;
        case ETIMEDOUT:
        case EAGAIN:
            return Became::kTimeout;
        default:
            return Became::kFailed;
    }
}

void set_timeouts(int fd, int milliseconds) {
    const timeval limit{milliseconds / 1000, milliseconds % 1000 * 1000L};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));  // connect(), too
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

/// Reads to the end; the server closes because we asked it to.
std::optional<std::string> read_all(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (true) {
        const auto n = recv(fd, buffer.data(), buffer.size(), 0);
        if (n < 0) {
            return std::nullopt;
        }
        if (n == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

Answer request(const CallOptions& options, const addrinfo& to) {
    const util::UniqueFd fd(socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_timeouts(fd.get(), options.timeout_ms);
    if (!options.source.empty()) {
        const auto source = look_up(options.source, 0, true);
        if (!source || bind(fd.get(), source->ai_addr, source->ai_addrlen) != 0) {
            return {};
        }
    }
    if (connect(fd.get(), to.ai_addr, to.ai_addrlen) != 0) {
        return {errno == EINPROGRESS ? Became::kTimeout : of_errno(errno), {}};
    }
    const auto text = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                                  options.path, options.host);
    if (send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(text.size())) {
        return {of_errno(errno), {}};
    }
    const auto answer = read_all(fd.get());
    if (!answer) {
        return {of_errno(errno), {}};
    }
    const auto body = answer->find("\r\n\r\n");
    const bool ok = answer->starts_with("HTTP/1.1 200") && body != std::string::npos;
    return {ok ? Became::kOk : Became::kFailed, ok ? answer->substr(body + 4) : *answer};
}

struct Tally {
    std::map<Became, int> became;
    std::map<std::string, int> by;  // who answered
    std::vector<double> micros;
    Clock::time_point answered;
    int sent = 0;

    void add(const Answer& answer, Clock::duration took) {
        ++sent;
        ++became[answer.became];
        if (answer.became == Became::kOk) {
            ++by[answer.body];
            answered = Clock::now();
            micros.push_back(std::chrono::duration<double, std::micro>(took).count());
        }
    }
    double quantile(double q) {
        if (micros.empty()) {
            return 0;
        }
        const auto at = static_cast<std::size_t>(q * static_cast<double>(micros.size() - 1));
        std::nth_element(micros.begin(), micros.begin() + static_cast<std::ptrdiff_t>(at),
                         micros.end());
        return micros[at];
    }
    void print() {
        std::string names;
        for (const auto& [name, count] : by) {
            names += fmt::format("{}{}:{}", names.empty() ? "" : ",", name, count);
        }
        std::replace(names.begin(), names.end(), ' ', '_');
        fmt::print(
            "sent={} ok={} refused={} unreachable={} timeout={} failed={} p50_us={:.0f} "
            "p99_us={:.0f} answered_ns={} by={}\n",
            sent, became[Became::kOk], became[Became::kRefused], became[Became::kUnreachable],
            became[Became::kTimeout], became[Became::kFailed], quantile(0.5), quantile(0.99),
            answered.time_since_epoch().count(), names);
    }
};

}  // namespace

int call(const CallOptions& options) {
    const StopSignal stop;
    Tally tally;
    const auto begin = Clock::now();
    for (int i = 0; (options.count == 0 || i < options.count) && !stop.came(); ++i) {
        if (options.rate > 0) {
            std::this_thread::sleep_until(begin +
                                          std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>(i / options.rate)));
        }
        const auto sent = Clock::now();
        const auto to = look_up(options.host, options.port, false);
        const auto answer = to ? request(options, *to) : Answer{};
        tally.add(answer, Clock::now() - sent);
        if (options.show_answers) {
            fmt::print("{}\n", answer.body);
        }
    }
    tally.print();
    return tally.became[Became::kOk] == tally.sent ? 0 : 1;
}

}  // namespace directfaas::demo
