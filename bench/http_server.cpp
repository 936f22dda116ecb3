// SPDX-License-Identifier: Apache-2.0
#include "bench/http_server.h"

#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "bench/private_world.h"
#include "bench/sockets.h"

namespace directfaas::bench {
namespace {

void watch(int epoll, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        support::throw_errno("epoll_ctl");
    }
}

bool send_all(int fd, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
        const auto n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        sent += static_cast<std::size_t>(n);
    }
    return true;
}

/// The number in "GET /N ".
std::size_t wanted_bytes(const std::string& request) {
    constexpr std::string_view kStart = "GET /";
    std::size_t bytes = 0;
    if (request.starts_with(kStart)) {
        std::from_chars(request.data() + kStart.size(), request.data() + request.size(), bytes);
    }
    return bytes;
}

std::string answer(std::size_t bytes) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
           std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
}

}  // namespace

std::size_t header_end(const std::string& text) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    const auto at = text.find(kEnd);
    return at == std::string::npos ? at : at + kEnd.size();
}

std::size_t content_length(const std::string& headers) {
    constexpr std::string_view kName = "\r\ncontent-length:";
    std::size_t value = 0;
    for (std::size_t at = 0; at + kName.size() < headers.size(); ++at) {
        if (::strncasecmp(headers.data() + at, kName.data(), kName.size()) == 0) {
            const auto digits = headers.find_first_not_of(' ', at + kName.size());
            std::from_chars(headers.data() + digits, headers.data() + headers.size(), value);
            break;
        }
    }
    return value;
}

HttpServer::HttpServer(const support::Netns& netns, std::uint16_t port, int cpu)
    : listener_(listen_in(netns, port)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(epoll_.get(), listener_.get());
    watch(epoll_.get(), stop_.get());
    thread_ = std::thread([this, cpu] {
        (void)take_cpu(cpu);
        serve();
    });
}

HttpServer::~HttpServer() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
}

void HttpServer::accept_one() {
    util::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) {
        return;
    }
    set_no_delay(fd.get());
    watch(epoll_.get(), fd.get());
    const int number = fd.get();
    clients_[number].fd = std::move(fd);
}

bool HttpServer::read_and_answer(Client& client) {
    std::array<char, 4096> buffer;
    const auto n = ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) {
        return false;
    }
    client.unread.append(buffer.data(), static_cast<std::size_t>(n));
    for (auto end = header_end(client.unread); end != std::string::npos;
         end = header_end(client.unread)) {
        const auto bytes = wanted_bytes(client.unread);
        client.unread.erase(0, end);
        if (!send_all(client.fd.get(), answer(bytes))) {
            return false;
        }
    }
    return true;
}

void HttpServer::serve() {
    std::array<epoll_event, 64> ready{};
    while (true) {
        const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = ready.at(static_cast<std::size_t>(i)).data.fd;
            if (fd == stop_.get()) {
                return;
            }
            if (fd == listener_.get()) {
                accept_one();
            } else if (!read_and_answer(clients_.at(fd))) {
                clients_.erase(fd);
            }
        }
    }
}

}  // namespace directfaas::bench
