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
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "lib/util/number.h"
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

constexpr std::string_view kEndOfHeaders = "\r\n\r\n";

/// Whether it has as many bytes of body as its headers say.
bool is_whole(std::string_view answer) {
    constexpr std::string_view kLength = "Content-Length: ";
    const auto body = answer.find(kEndOfHeaders);
    const auto length = answer.find(kLength);
    if (body == std::string_view::npos || length > body) {
        return false;
    }
    const auto digits = answer.substr(length + kLength.size());
    const auto bytes = util::parse_number<std::size_t>(digits.substr(0, digits.find('\r')));
    return bytes && answer.size() >= body + kEndOfHeaders.size() + *bytes;
}

/// Reads to the end, as the server closes when we ask it to, or one answer of a kept connection.
std::optional<std::string> read_answer(int fd, bool kept) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (!kept || !is_whole(text)) {
        const auto n = recv(fd, buffer.data(), buffer.size(), 0);
        if (n < 0) {
            return std::nullopt;
        }
        if (n == 0) {
            break;
        }
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
}

std::expected<util::UniqueFd, Became> connect_to(const CallOptions& options, const addrinfo& to) {
    util::UniqueFd fd(socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_timeouts(fd.get(), options.timeout_ms);
    if (!options.source.empty()) {
        const auto source = look_up(options.source, 0, true);
        if (!source || bind(fd.get(), source->ai_addr, source->ai_addrlen) != 0) {
            return std::unexpected(Became::kFailed);
        }
    }
    if (connect(fd.get(), to.ai_addr, to.ai_addrlen) != 0) {
        return std::unexpected(errno == EINPROGRESS ? Became::kTimeout : of_errno(errno));
    }
    return fd;
}

Answer exchange(int fd, const CallOptions& options) {
    const auto text =
        fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: {}\r\n\r\n", options.path,
                    options.host, options.keep ? "keep-alive" : "close");
    if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
        return {of_errno(errno), {}};
    }
    const auto answer = read_answer(fd, options.keep);
    if (!answer) {
        return {of_errno(errno), {}};
    }
    const auto body = answer->find(kEndOfHeaders);
    const bool ok = answer->starts_with("HTTP/1.1 200") && body != std::string::npos;
    return {ok ? Became::kOk : Became::kFailed,
            ok ? answer->substr(body + kEndOfHeaders.size()) : *answer};
}

/// Over `kept` if it is open; else over a new connection, which is `kept` then if it is to be.
Answer request(const CallOptions& options, util::UniqueFd& kept) {
    if (kept.valid()) {
        return exchange(kept.get(), options);
    }
    const auto to = look_up(options.host, options.port, false);
    if (!to) {
        return {};
    }
    auto fd = connect_to(options, *to);
    if (!fd) {
        return {fd.error(), {}};
    }
    auto answer = exchange(fd->get(), options);
    if (options.keep) {
        kept = std::move(*fd);
    }
    return answer;
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
    util::UniqueFd kept;
    bool ended = false;  // the kept connection
    const auto begin = Clock::now();
    for (int i = 0; (options.count == 0 || i < options.count) && !ended && !stop.came(); ++i) {
        if (options.rate > 0) {
            std::this_thread::sleep_until(begin +
                                          std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>(i / options.rate)));
        }
        const auto sent = Clock::now();
        const auto answer = request(options, kept);
        ended = options.keep && answer.became != Became::kOk;
        tally.add(answer, Clock::now() - sent);
        if (options.show_answers) {
            fmt::print("{}\n", answer.body);
        }
    }
    tally.print();
    return tally.became[Became::kOk] == tally.sent ? 0 : 1;
}

}  // namespace directfaas::demo
