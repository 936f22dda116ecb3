// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/port_proof.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace directfaas::hold {
namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

SocketAddress socket_address(const util::IpAddress& address, std::uint16_t port) {
    SocketAddress out;
    const auto& bytes = address.bytes();
    if (address.is_v4()) {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        std::memcpy(&v4->sin_addr, bytes.data() + 12, 4);
        out.size = sizeof(*v4);
    } else {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        std::memcpy(&v6->sin6_addr, bytes.data(), bytes.size());
        out.size = sizeof(*v6);
    }
    return out;
}

/// A connecting or connected socket that closes with a reset.
util::Result<util::UniqueFd> start_connect(const model::RouteEndpoint& endpoint) {
    const auto target = socket_address(endpoint.address, endpoint.port);
    util::UniqueFd socket(
        ::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) {
        return util::fail_errno("open a socket");
    }
    const linger reset_on_close{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close));
    const auto* address = reinterpret_cast<const sockaddr*>(&target.storage);
    if (::connect(socket.get(), address, target.size) != 0 && errno != EINPROGRESS) {
        return util::fail_errno("connect");
    }
    return socket;
}

/// 0: connected; EINPROGRESS: not yet; else why not.
int progress(int socket) {
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return errno;
    }
    // The event may have been meant for an earlier owner of this descriptor number.
    sockaddr_storage peer{};
    size = sizeof(peer);
    if (error == 0 && ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
        return EINPROGRESS;
    }
    return error;
}

}  // namespace

PortProof::PortProof(util::EventLoop& loop, Options options, Proven proven)
    : loop_(loop), options_(options), proven_(std::move(proven)) {}

PortProof::~PortProof() {
    for (auto& [target, probe] : probes_) {
        close(probe);
    }
}

void PortProof::prove(const model::RouteKey& route,
                      const std::vector<model::RouteEndpoint>& endpoints) {
    for (auto at = probes_.lower_bound({route, {}});
         at != probes_.end() && at->first.first == route;) {
        const bool wanted = std::ranges::find(endpoints, at->first.second) != endpoints.end();
        at = wanted ? std::next(at) : erase(at);
    }
    for (const auto& endpoint : endpoints) {
        if (probes_.try_emplace({route, endpoint}).second) {
            line_up({route, endpoint});
        }
    }
    start_due();
}

void PortProof::stop(const model::RouteKey& route) { prove(route, {}); }

void PortProof::line_up(const Target& target) {
    probes_.at(target).waits_for_turn = true;
    turn_.push_back(target);
}

void PortProof::start_due() {
    while (!turn_.empty() && connecting_ < options_.max_at_once) {
        const auto target = std::move(turn_.front());
        turn_.pop_front();
        const auto found = probes_.find(target);
        if (found != probes_.end() && found->second.waits_for_turn) {
            start(target, found->second);
        }
    }
}

void PortProof::start(const Target& target, Probe& probe) {
    probe.waits_for_turn = false;
    ++attempts_;
    auto socket = start_connect(target.second);
    if (!socket) {
        probe.error = socket.error().code;
        rest(target, probe);
        return;
    }
    if (!loop_.watch(socket->get(), EPOLLOUT, [this, target](auto) { answered(target); })) {
        rest(target, probe);
        return;
    }
    probe.socket = std::move(*socket);
    ++connecting_;
    probe.timer = loop_.after(options_.timeout, [this, target] { ended(target, ETIMEDOUT); });
}

void PortProof::answered(const Target& target) {
    const int error = progress(probes_.at(target).socket.get());
    if (error != EINPROGRESS) {
        ended(target, error);
    }
}

void PortProof::ended(const Target& target, int error) {
    auto& probe = probes_.at(target);
    close(probe);
    probe.error = error;
    rest(target, probe);
    if (error == 0) {
        proven_(target.first, target.second);
    }
    start_due();
}

void PortProof::rest(const Target& target, Probe& probe) {
    probe.timer = loop_.after(pause(), [this, target] {
        line_up(target);
        start_due();
    });
}

/// Few endpoints are tried often, for the sake of their callers; many share the tries.
std::chrono::nanoseconds PortProof::pause() const {
    const std::chrono::nanoseconds share = std::chrono::seconds(1) / options_.per_second;
    return std::max<std::chrono::nanoseconds>(options_.period, share * probes_.size());
}

std::string PortProof::failure(const model::RouteKey& route) const {
    std::string text;
    for (auto at = probes_.lower_bound({route, {}});
         at != probes_.end() && at->first.first == route; ++at) {
        if (const auto& [target, probe] = *at; probe.error != 0) {
            text = util::endpoint_text(target.second.address, target.second.port) + ": " +
                   std::strerror(probe.error);
        }
    }
    return text;
}

void PortProof::close(Probe& probe) {
    loop_.cancel(probe.timer);
    if (probe.socket.valid()) {
        loop_.unwatch(probe.socket.get());
        probe.socket.reset();
        --connecting_;
    }
}

PortProof::Probes::iterator PortProof::erase(Probes::iterator at) {
    close(at->second);
    return probes_.erase(at);
}

}  // namespace directfaas::hold
