// SPDX-License-Identifier: Apache-2.0
// LineServer and DatagramServer: one thread each, woken through an eventfd to stop.
#include "test/support/servers.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>

namespace directfaas::support {
namespace {

/// Sends all of it; a peer that does not read for long is given up.
bool send_all(int fd, const std::string& data) {
    for (std::size_t done = 0; done < data.size();) {
        const ssize_t sent = ::send(fd, data.data() + done, data.size() - done, MSG_NOSIGNAL);
        if (sent >= 0) {
            done += static_cast<std::size_t>(sent);
            continue;
        }
        pollfd item{fd, POLLOUT, 0};
        if (errno != EAGAIN || ::poll(&item, 1, 5000) <= 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

StoppableThread::StoppableThread() : event_(::eventfd(0, EFD_CLOEXEC)) {}
StoppableThread::~StoppableThread() { stop(); }

void StoppableThread::start(std::function<void()> body) { thread_ = std::thread(std::move(body)); }

void StoppableThread::stop() {
    if (thread_.joinable()) {
        ::eventfd_write(event_.get(), 1);
        thread_.join();
    }
}

LineServer::LineServer(const Netns& netns, std::string name, std::uint16_t port)
    : name_(std::move(name)) {
    for (const int family : {AF_INET, AF_INET6}) {
        listeners_.push_back(bound_socket(netns, family, SOCK_STREAM, port));
        if (::listen(listeners_.back().get(), 1024) != 0) {
            throw_errno("listen");
        }
    }
    thread_.start([this] { serve(); });
}

LineServer::~LineServer() { thread_.stop(); }

std::vector<SocketAddress> LineServer::peers() const {
    const std::lock_guard lock(mutex_);
    return peers_;
}

void LineServer::accept_all(int listener) {
    for (;;) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        util::UniqueFd fd{::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size,
                                    SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (!fd.valid()) {
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            peers_.push_back(from_sockaddr(peer));
        }
        ++accepted_;
        ++open_;
        const int key = fd.get();
        clients_.emplace(key, Client{std::move(fd), {}});
    }
}

bool LineServer::read_and_answer(Client& client) {
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t got = ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EAGAIN) {
            return true;
        }
        if (got <= 0) {
            return false;
        }
        client.unread.append(buffer.data(), static_cast<std::size_t>(got));
        for (std::size_t at = 0; (at = client.unread.find('\n')) != std::string::npos;) {
            ++lines_;
            if (!send_all(client.fd.get(), name_ + " " + client.unread.substr(0, at + 1))) {
                return false;
            }
            client.unread.erase(0, at + 1);
        }
    }
}

void LineServer::serve() {
    for (;;) {
        std::vector<pollfd> items{{thread_.stop_fd(), POLLIN, 0}};
        for (const auto& listener : listeners_) {
            items.push_back({listener.get(), POLLIN, 0});
        }
        const std::size_t first_client = items.size();
        for (const auto& [fd, client] : clients_) {
            items.push_back({fd, POLLIN, 0});
        }
        if (::poll(items.data(), items.size(), -1) < 0 || items[0].revents != 0) {
            return;
        }
        for (std::size_t i = 1; i < items.size(); ++i) {
            if (items[i].revents == 0) {
                continue;
            }
            if (i < first_client) {
                accept_all(items[i].fd);
            } else if (!read_and_answer(clients_.at(items[i].fd))) {
                clients_.erase(items[i].fd);
                --open_;
            }
        }
    }
}

DatagramServer::DatagramServer(const Netns& netns, std::string name, std::uint16_t port)
    : name_(std::move(name)) {
    for (const int family : {AF_INET, AF_INET6}) {
        sockets_.push_back(bound_socket(netns, family, SOCK_DGRAM, port));
    }
    thread_.start([this] { serve(); });
}

DatagramServer::~DatagramServer() { thread_.stop(); }

void DatagramServer::answer_all(int fd) {
    std::array<char, 65536> buffer;
    for (;;) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        const ssize_t got = ::recvfrom(fd, buffer.data(), buffer.size(), 0,
                                       reinterpret_cast<sockaddr*>(&peer), &size);
        if (got < 0) {
            return;
        }
        ++datagrams_;
        const std::string answer =
            name_ + " " + std::string(buffer.data(), static_cast<std::size_t>(got));
        ::sendto(fd, answer.data(), answer.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&peer),
                 size);
    }
}

void DatagramServer::serve() {
    for (;;) {
        std::vector<pollfd> items{{thread_.stop_fd(), POLLIN, 0}};
        for (const auto& socket : sockets_) {
            items.push_back({socket.get(), POLLIN, 0});
        }
        if (::poll(items.data(), items.size(), -1) < 0 || items[0].revents != 0) {
            return;
        }
        for (std::size_t i = 1; i < items.size(); ++i) {
            if (items[i].revents != 0) {
                answer_all(items[i].fd);
            }
        }
    }
}

}  // namespace directfaas::support
