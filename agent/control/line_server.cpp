// SPDX-License-Identifier: Apache-2.0
#include "agent/control/line_server.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <utility>
#include <vector>

#include "lib/util/log.h"
#include "lib/util/memory.h"

namespace directfaas::control {
namespace {

constexpr std::chrono::seconds kSweepPeriod{1};
constexpr std::chrono::seconds kAcceptPause{1};
constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kLargeAnswer = 1 << 20;  // leaves memory worth giving back

}  // namespace

LineServer::LineServer(util::EventLoop& loop, int listening, LineLimits limits, Events events)
    : loop_(loop), listening_(listening), limits_(limits), events_(std::move(events)) {}

util::Result<std::unique_ptr<LineServer>> LineServer::create(util::EventLoop& loop, int listening,
                                                             LineLimits limits, Events events) {
    std::unique_ptr<LineServer> server(new LineServer(loop, listening, limits, std::move(events)));
    auto* self = server.get();
    auto watched = loop.watch(listening, EPOLLIN, [self](std::uint32_t) { self->accept_all(); });
    if (!watched) {
        return std::unexpected(watched.error());
    }
    server->sweep_ = loop.every(kSweepPeriod, [self] { self->close_idle(); });
    return server;
}

LineServer::~LineServer() {
    loop_.unwatch(listening_);
    loop_.cancel(sweep_);
    loop_.cancel(resume_);
    for (const auto& [id, client] : clients_) {
        loop_.unwatch(client.socket.get());
    }
}

void LineServer::accept_all() {
    for (;;) {
        util::UniqueFd socket(accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket.valid()) {
            admit(std::move(socket));
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN) {
            util::log::warning("accept a control client: {}", std::strerror(errno));
            pause_accepting();
        }
        return;
    }
}

/// Out of descriptors, most likely: waiting keeps the loop from spinning on a ready socket.
void LineServer::pause_accepting() {
    loop_.unwatch(listening_);
    resume_ = loop_.after(kAcceptPause, [this] {
        auto watched = loop_.watch(listening_, EPOLLIN, [this](std::uint32_t) { accept_all(); });
        if (!watched) {
            util::log::error("dfctl cannot connect any more: {}", watched.error().text());
        }
    });
}

void LineServer::admit(util::UniqueFd socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        (peer.uid != 0 && peer.uid != geteuid())) {
        turn_away(socket, "denied",
                  fmt::format("user {} may not steer the agent; ask as root", peer.uid));
        return;
    }
    if (clients_.size() >= limits_.clients) {
        turn_away(socket, "failed",
                  fmt::format("{} clients are connected, which is the limit", clients_.size()));
        return;
    }
    const ClientId id = next_id_++;
    auto watched = loop_.watch(socket.get(), EPOLLIN,
                               [this, id](std::uint32_t events) { on_ready(id, events); });
    if (!watched) {
        turn_away(socket, "failed", watched.error().text());
        return;
    }
    auto& client = clients_[id];
    client.socket = std::move(socket);
    client.progress = Clock::now();
}

void LineServer::turn_away(const util::UniqueFd& socket, const char* code,
                           const std::string& why) const {
    const auto line = events_.refusal(code, why) + "\n";
    [[maybe_unused]] const auto sent =
        ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void LineServer::on_ready(ClientId id, std::uint32_t events) {
    const auto place = clients_.find(id);
    if (place == clients_.end()) {
        return;
    }
    if ((events & EPOLLIN) != 0 && !read_some(place->second)) {
        close(id);
        return;
    }
    if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0) {
        close(id);  // nobody is left to read an answer
        return;
    }
    write_some(id);
    take_requests(id);
    update(id);
}

/// False when the connection is broken.
bool LineServer::read_some(Client& client) const {
    std::array<char, kReadBytes> buffer;
    const auto size = recv(client.socket.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
        client.progress = Clock::now();
        if (!client.streaming && !client.finishing) {
            client.input.append(buffer.data(), static_cast<std::size_t>(size));
        }
    } else if (size == 0) {
        client.input_ended = true;
    } else {
        return errno == EAGAIN || errno == EINTR;
    }
    return true;
}

void LineServer::take_requests(ClientId id) {
    for (;;) {
        const auto place = clients_.find(id);
        if (place == clients_.end()) {
            return;
        }
        auto& client = place->second;
        if (client.awaiting || client.streaming || client.finishing || client.broken ||
            !client.output.empty()) {
            return;
        }
        const auto end = client.input.find('\n');
        if (end == std::string::npos ? client.input.size() > limits_.line_bytes
                                     : end > limits_.line_bytes) {
            client.awaiting = true;
            answer(id, events_.refusal("bad_request", fmt::format("a request has at most {} bytes",
                                                                  limits_.line_bytes)));
            finish(id);
            return;
        }
        if (end == std::string::npos) {
            return;
        }
        const std::string line = client.input.substr(0, end);
        client.input.erase(0, end + 1);
        client.awaiting = true;
        events_.request(id, line);
    }
}

void LineServer::answer(ClientId id, const std::string& line) {
    const auto place = clients_.find(id);
    if (place == clients_.end() || !place->second.awaiting) {
        return;
    }
    place->second.awaiting = false;
    place->second.output += line;
    place->second.output += '\n';
    place->second.progress = Clock::now();
    write_some(id);
    update(id);
    if (place->second.input.find('\n') != std::string::npos) {
        later([this, id] {
            take_requests(id);
            update(id);
        });
    }
}

void LineServer::begin_stream(ClientId id) {
    if (const auto place = clients_.find(id); place != clients_.end()) {
        place->second.streaming = true;
        place->second.input.clear();
    }
}

void LineServer::stream(ClientId id, const std::string& line) {
    const auto place = clients_.find(id);
    if (place == clients_.end() || !place->second.streaming || place->second.finishing) {
        return;
    }
    auto& client = place->second;
    if (client.output.size() - client.written + line.size() > limits_.stream_bytes) {
        client.output +=
            events_.refusal("failed", "this reader is too slow: lines were about to be lost") +
            "\n";
        finish(id);
        events_.closed(id);
        return;
    }
    client.output += line;
    client.output += '\n';
    write_some(id);
    update(id);
}

void LineServer::finish(ClientId id) {
    if (const auto place = clients_.find(id); place != clients_.end()) {
        place->second.finishing = true;
        place->second.progress = Clock::now();
        write_some(id);
        update(id);
    }
}

void LineServer::write_some(ClientId id) {
    auto& client = clients_.at(id);
    while (client.written < client.output.size()) {
        const auto sent =
            ::send(client.socket.get(), client.output.data() + client.written,
                   client.output.size() - client.written, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            client.broken = errno != EAGAIN && errno != EINTR;
            if (client.written > client.output.size() / 2) {
                client.output.erase(0, std::exchange(client.written, 0));
            }
            return;
        }
        client.written += static_cast<std::size_t>(sent);
        client.progress = Clock::now();
    }
    if (client.output.capacity() >= kLargeAnswer) {
        loop_.post(util::release_free_memory);  // of the answer, and of what it was made from
    }
    client.output.clear();
    client.output.shrink_to_fit();
    client.written = 0;
}

void LineServer::later(std::function<void()> work) {
    loop_.post([work = std::move(work), alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) {
            work();
        }
    });
}

/// Closes a client that is through, or asks for the events it still waits for.
void LineServer::update(ClientId id) {
    const auto place = clients_.find(id);
    if (place == clients_.end()) {
        return;
    }
    auto& client = place->second;
    const bool all_said = client.output.empty() && !client.awaiting;
    const bool no_more_requests =
        client.input_ended && client.input.find('\n') == std::string::npos && !client.streaming;
    if (client.broken || (all_said && (client.finishing || no_more_requests))) {
        later([this, id] { close(id); });  // this may be deep inside a callback for the client
        return;
    }
    std::uint32_t events = client.output.empty() ? 0U : std::uint32_t{EPOLLOUT};
    const bool wants_input = !client.input_ended && client.input.size() <= limits_.line_bytes;
    events |= wants_input ? std::uint32_t{EPOLLIN} : 0U;
    if (auto watched = loop_.rewatch(client.socket.get(), events); !watched) {
        util::log::error("control client: {}", watched.error().text());
    }
}

void LineServer::close(ClientId id) {
    auto node = clients_.extract(id);
    if (node.empty()) {
        return;
    }
    loop_.unwatch(node.mapped().socket.get());
    if (!node.mapped().finishing) {
        events_.closed(id);
    }
}

void LineServer::close_idle() {
    std::vector<ClientId> idle;
    const auto now = Clock::now();
    for (const auto& [id, client] : clients_) {
        const auto silent = now - client.progress;
        const bool waits_for_us = client.awaiting || (client.streaming && client.output.empty());
        if (client.finishing ? silent > limits_.last_words
                             : !waits_for_us && silent > limits_.idle) {
            idle.push_back(id);
        }
    }
    for (const auto id : idle) {
        close(id);
    }
}

}  // namespace directfaas::control
