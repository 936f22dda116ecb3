// SPDX-License-Identifier: Apache-2.0
// Non-blocking sockets and poll(), with one deadline for each call.
#include "test/support/socket.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>

#include <array>

namespace directfaas::support {
namespace {

using Clock = std::chrono::steady_clock;

/// Waits for `events` until `end`: 0 when they are there, else errno.
int wait_for(int fd, short events, Clock::time_point end) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        pollfd item{fd, events, 0};
        const int got = ::poll(&item, 1, static_cast<int>(std::max<long>(left.count(), 0)));
        if (got > 0) {
            return 0;
        }
        if (got == 0) {
            return ETIMEDOUT;
        }
        if (errno != EINTR) {
            return errno;
        }
    }
}

int socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

util::UniqueFd open_socket(const SocketAddress& to, int type) {
    util::UniqueFd fd{
        ::socket(to.ip.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd.valid()) {
        throw_errno("socket");
    }
    return fd;
}

util::Result<void> bind_source(int fd, bool v4, std::uint16_t port) {
    if (port == 0) {
        return {};
    }
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_storage any{};
    const socklen_t size =
        to_sockaddr({v4 ? *util::IpAddress::parse("0.0.0.0") : util::IpAddress{}, port}, any);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&any), size) != 0) {
        return util::fail_errno("bind source port " + std::to_string(port));
    }
    return {};
}

util::Result<util::UniqueFd> open_and_connect(const Netns& netns, const SocketAddress& to, int type,
                                              std::uint16_t source_port) {
    return netns.run([&]() -> util::Result<util::UniqueFd> {
        util::UniqueFd fd = open_socket(to, type);
        if (auto bound = bind_source(fd.get(), to.ip.is_v4(), source_port); !bound) {
            return std::unexpected(bound.error());
        }
        sockaddr_storage address{};
        const socklen_t size = to_sockaddr(to, address);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 &&
            errno != EINPROGRESS) {
            return util::fail_errno("connect to " + to.text());
        }
        return fd;
    });
}

tcp_info info(int fd) {
    tcp_info value{};
    socklen_t size = sizeof value;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &value, &size) != 0) {
        throw_errno("TCP_INFO");
    }
    return value;
}

}  // namespace

util::Result<TcpClient> TcpClient::start(const Netns& netns, const SocketAddress& to,
                                         const ConnectOptions& options) {
    auto fd = open_and_connect(netns, to, SOCK_STREAM, options.source_port);
    if (!fd) {
        return std::unexpected(fd.error());
    }
    if (options.no_linger && options.source_port != 0) {
        const linger now{1, 0};
        ::setsockopt(fd->get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    return TcpClient(std::move(*fd));
}

util::Result<TcpClient> TcpClient::connect(const Netns& netns, const SocketAddress& to,
                                           const ConnectOptions& options) {
    auto client = start(netns, to, options);
    if (client) {
        if (auto done = client->finish(options.timeout); !done) {
            return std::unexpected(done.error().in("connect to " + to.text()));
        }
    }
    return client;
}

util::Result<void> TcpClient::finish(std::chrono::milliseconds timeout) {
    if (const int late = wait_for(fd_.get(), POLLOUT, Clock::now() + timeout); late != 0) {
        return util::fail_errno("no answer", late);
    }
    if (const int error = socket_error(fd_.get()); error != 0) {
        return util::fail_errno("refused", error);
    }
    return {};
}

util::Result<void> TcpClient::send(const std::string& data) {
    const auto end = Clock::now() + kPatience;
    for (std::size_t done = 0; done < data.size();) {
        const ssize_t sent =
            ::send(fd_.get(), data.data() + done, data.size() - done, MSG_NOSIGNAL);
        if (sent >= 0) {
            done += static_cast<std::size_t>(sent);
        } else if (errno != EAGAIN) {
            return util::fail_errno("send");
        } else if (const int late = wait_for(fd_.get(), POLLOUT, end); late != 0) {
            return util::fail_errno("send", late);
        }
    }
    return {};
}

util::Result<std::string> TcpClient::read_line(std::chrono::milliseconds timeout) {
    const auto end = Clock::now() + timeout;
    std::array<char, 65536> buffer;
    for (;;) {
        if (const std::size_t at = unread_.find('\n'); at != std::string::npos) {
            std::string line = unread_.substr(0, at);
            unread_.erase(0, at + 1);
            return line;
        }
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) {
            unread_.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0) {
            return util::fail("the peer ended the connection");
        } else if (errno != EAGAIN) {
            return util::fail_errno("receive");
        } else if (const int late = wait_for(fd_.get(), POLLIN, end); late != 0) {
            return util::fail_errno("receive", late);
        }
    }
}

util::Result<std::string> TcpClient::ask(const std::string& line,
                                         std::chrono::milliseconds timeout) {
    if (auto sent = send(line + "\n"); !sent) {
        return std::unexpected(sent.error());
    }
    return read_line(timeout);
}

int TcpClient::wait_for_end(std::chrono::milliseconds timeout) {
    const auto end = Clock::now() + timeout;
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EAGAIN) {
            return errno;
        }
        if (got < 0) {
            if (const int late = wait_for(fd_.get(), POLLIN, end); late != 0) {
                return late;
            }
        }
    }
}

unsigned TcpClient::retransmits() const { return info(fd_.get()).tcpi_total_retrans; }
bool TcpClient::connecting() const { return info(fd_.get()).tcpi_state == 2; /* TCP_SYN_SENT */ }

std::uint16_t TcpClient::local_port() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return from_sockaddr(address).port;
}

util::Result<UdpClient> UdpClient::connect(const Netns& netns, const SocketAddress& to,
                                           std::uint16_t source_port) {
    auto fd = open_and_connect(netns, to, SOCK_DGRAM, source_port);
    if (!fd) {
        return std::unexpected(fd.error());
    }
    return UdpClient(std::move(*fd));
}

util::Result<void> UdpClient::send(const std::string& data) {
    if (::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL) < 0) {
        return util::fail_errno("send");
    }
    return {};
}

util::Result<std::string> UdpClient::receive(std::chrono::milliseconds timeout) {
    if (const int late = wait_for(fd_.get(), POLLIN, Clock::now() + timeout); late != 0) {
        return util::fail_errno("receive", late);
    }
    std::string data(65536, '\0');
    const ssize_t got = ::recv(fd_.get(), data.data(), data.size(), 0);
    if (got < 0) {
        return util::fail_errno("receive");
    }
    data.resize(static_cast<std::size_t>(got));
    return data;
}

util::Result<std::string> UdpClient::ask(const std::string& data,
                                         std::chrono::milliseconds timeout) {
    if (auto sent = send(data); !sent) {
        return std::unexpected(sent.error());
    }
    return receive(timeout);
}

FrameSender::FrameSender(const Netns& netns, const std::string& interface_name) {
    fd_ = netns.run([&] {
        util::UniqueFd fd{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
        if (!fd.valid()) {
            throw_errno("packet socket");
        }
        sockaddr_ll where{};
        where.sll_family = AF_PACKET;
        where.sll_ifindex = static_cast<int>(::if_nametoindex(interface_name.c_str()));
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) {
            throw_errno("bind to " + interface_name);
        }
        return fd;
    });
}

void FrameSender::send(const std::vector<std::uint8_t>& frame) const {
    if (::send(fd_.get(), frame.data(), frame.size(), 0) < 0) {
        throw_errno("send a frame");
    }
}

}  // namespace directfaas::support
