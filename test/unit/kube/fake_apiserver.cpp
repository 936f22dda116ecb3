// SPDX-License-Identifier: Apache-2.0
#include "test/unit/kube/fake_apiserver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace directfaas::kube {
namespace {

std::string url_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// True: `socket` has something to say. False: the server ends.
bool wait_readable(int socket, int stop, short events) {
    std::array<pollfd, 2> fds{{{socket, events, 0}, {stop, POLLIN, 0}}};
    while (poll(fds.data(), fds.size(), -1) < 0) {
    }
    return fds[1].revents == 0;
}

/// Reads requests off one connection.
class Reader {
   public:
    Reader(int socket, int stop) : socket_(socket), stop_(stop) {}

    std::optional<FakeRequest> next() {
        const auto head = until("\r\n\r\n");
        if (!head) {
            return std::nullopt;
        }
        FakeRequest request = parse(*head);
        const auto length = request.headers.find("content-length");
        const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
        while (buffer_.size() < size) {
            if (!more()) {
                return std::nullopt;
            }
        }
        request.body = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return request;
    }

   private:
    bool more() {
        std::array<char, 4096> bytes{};
        if (!wait_readable(socket_, stop_, POLLIN)) {
            return false;
        }
        const auto count = recv(socket_, bytes.data(), bytes.size(), 0);
        buffer_.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return count > 0;
    }

    std::optional<std::string> until(std::string_view end) {
        std::size_t at = 0;
        while ((at = buffer_.find(end)) == std::string::npos) {
            if (!more()) {
                return std::nullopt;
            }
        }
        auto text = buffer_.substr(0, at + 2);
        buffer_.erase(0, at + end.size());
        return text;
    }

    static FakeRequest parse(std::string_view head) {
        FakeRequest request;
        const auto line = head.substr(0, head.find("\r\n"));
        request.method = line.substr(0, line.find(' '));
        auto target = line.substr(request.method.size() + 1);
        target = target.substr(0, target.find(' '));
        const auto mark = std::min(target.find('?'), target.size());
        request.path = target.substr(0, mark);
        for (auto rest = target.substr(mark); !rest.empty();) {
            rest.remove_prefix(1);
            const auto pair = rest.substr(0, rest.find('&'));
            const auto equals = pair.find('=');
            request.query[std::string(pair.substr(0, equals))] =
                url_decoded(pair.substr(equals + 1));
            rest.remove_prefix(pair.size());
        }
        for (auto rest = head.substr(line.size() + 2); !rest.empty();) {
            const auto header = rest.substr(0, rest.find("\r\n"));
            const auto colon = header.find(": ");
            std::string name(header.substr(0, colon));
            std::ranges::transform(name, name.begin(), [](unsigned char c) {
                return static_cast<char>(std::tolower(c));
            });
            request.headers[name] = header.substr(colon + 2);
            rest.remove_prefix(header.size() + 2);
        }
        return request;
    }

    int socket_;
    int stop_;
    std::string buffer_;
};

}  // namespace

void FakeAnswer::bytes(std::string_view text) {
    while (!text.empty() && !closed_) {
        const auto sent = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
        closed_ = sent < 0;
        text.remove_prefix(closed_ ? 0 : static_cast<std::size_t>(sent));
    }
}

void FakeAnswer::whole(int status, std::string_view body, std::string_view headers) {
    bytes(fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                      headers, body));
}

void FakeAnswer::begin(int status) {
    bytes(fmt::format("HTTP/1.1 {} X\r\nTransfer-Encoding: chunked\r\n\r\n", status));
}

void FakeAnswer::chunk(std::string_view text) {
    bytes(fmt::format("{:x}\r\n{}\r\n", text.size(), text));
}

void FakeAnswer::close() {
    shutdown(socket_, SHUT_RDWR);
    closed_ = true;
}

bool FakeAnswer::hang() { return wait_readable(socket_, stop_, POLLRDHUP); }

bool FakeAnswer::gone() const {
    std::array<pollfd, 2> fds{{{socket_, POLLRDHUP, 0}, {stop_, POLLIN, 0}}};
    return closed_ || poll(fds.data(), fds.size(), 0) > 0;
}

FakeApiserver::FakeApiserver(Handler handler)
    : handler_(std::move(handler)),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_.get(), plain, size), 0);
    EXPECT_EQ(listen(listener_.get(), SOMAXCONN), 0);
    EXPECT_EQ(getsockname(listener_.get(), plain, &size), 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

FakeApiserver::~FakeApiserver() {
    const std::uint64_t one = 1;
    EXPECT_EQ(write(stop_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
    acceptor_.join();
    for (auto& thread : threads_) {
        thread.join();
    }
}

ClusterAccess FakeApiserver::access() const {
    ClusterAccess access;
    access.tls = false;
    access.host = "127.0.0.1";
    access.port = port_;
    return access;
}

void FakeApiserver::accept_all() {
    while (wait_readable(listener_.get(), stop_.get(), POLLIN)) {
        const int socket = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (socket >= 0) {
            threads_.emplace_back([this, socket] { serve(socket); });
        }
    }
}

void FakeApiserver::serve(int socket) {
    const util::UniqueFd owned(socket);
    Reader reader(socket, stop_.get());
    while (const auto request = reader.next()) {
        FakeAnswer answer(socket, stop_.get());
        handler_(*request, answer);
        if (answer.closed()) {
            return;
        }
    }
}

}  // namespace directfaas::kube
