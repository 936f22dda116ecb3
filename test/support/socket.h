// SPDX-License-Identifier: Apache-2.0
// Sockets of simulated pods: opened inside a namespace, used from any thread. Every wait has a
// deadline, so that a silent drop shows as ETIMEDOUT and never hangs a test.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/util/address.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"
#include "test/support/netns.h"
#include "test/support/wait.h"

namespace directfaas::support {

struct SocketAddress {
    util::IpAddress ip;
    std::uint16_t port = 0;

    [[nodiscard]] std::string text() const { return util::endpoint_text(ip, port); }
    auto operator<=>(const SocketAddress&) const = default;
};

struct ConnectOptions {
    std::chrono::milliseconds timeout = kPatience;
    std::uint16_t source_port = 0;  // 0: chosen by the kernel
    bool no_linger = true;          // a later bind to the same port must not meet TIME_WAIT
};

/// A TCP connection that talks to a LineServer.
class TcpClient {
   public:
    /// Connects from inside `netns`. The error's code is connect()'s errno.
    static util::Result<TcpClient> connect(const Netns& netns, const SocketAddress& to,
                                           const ConnectOptions& options = {});
    /// Starts connecting and returns at once; finish() waits for the outcome.
    static util::Result<TcpClient> start(const Netns& netns, const SocketAddress& to,
                                         const ConnectOptions& options = {});
    util::Result<void> finish(std::chrono::milliseconds timeout = kPatience);

    /// Sends `line` and returns the answering line.
    util::Result<std::string> ask(const std::string& line,
                                  std::chrono::milliseconds timeout = kPatience);
    util::Result<void> send(const std::string& data);
    util::Result<std::string> read_line(std::chrono::milliseconds timeout = kPatience);
    /// Waits until the peer has ended or reset the connection: 0 or errno; ETIMEDOUT if neither.
    int wait_for_end(std::chrono::milliseconds timeout = kPatience);

    /// Segments sent again since the socket was opened, SYNs included.
    [[nodiscard]] unsigned retransmits() const;
    /// Whether connect() has not been answered yet.
    [[nodiscard]] bool connecting() const;
    [[nodiscard]] std::uint16_t local_port() const;
    [[nodiscard]] int fd() const { return fd_.get(); }
    void close() { fd_.reset(); }

   private:
    explicit TcpClient(util::UniqueFd fd) : fd_(std::move(fd)) {}

    util::UniqueFd fd_;
    std::string unread_;
};

/// A UDP socket, connected to one peer, so that ICMP errors come back as errno.
class UdpClient {
   public:
    static util::Result<UdpClient> connect(const Netns& netns, const SocketAddress& to,
                                           std::uint16_t source_port = 0);

    util::Result<void> send(const std::string& data);
    /// The next datagram, or the error an ICMP message left; ETIMEDOUT.
    util::Result<std::string> receive(std::chrono::milliseconds timeout = kPatience);
    util::Result<std::string> ask(const std::string& data,
                                  std::chrono::milliseconds timeout = kPatience);
    [[nodiscard]] int fd() const { return fd_.get(); }

   private:
    explicit UdpClient(util::UniqueFd fd) : fd_(std::move(fd)) {}

    util::UniqueFd fd_;
};

/// Sends whole frames out of a pod's eth0, whatever is in them.
class FrameSender {
   public:
    explicit FrameSender(const Netns& netns, const std::string& interface_name = "eth0");
    /// Throws when the kernel refuses the frame.
    void send(const std::vector<std::uint8_t>& frame) const;

   private:
    util::UniqueFd fd_;
};

/// A bound socket inside `netns` on every address of `family`. Throws on failure.
util::UniqueFd bound_socket(const Netns& netns, int family, int type, std::uint16_t port);

/// A bound datagram socket that has joined `group`, on the interface that the route to it names.
/// Throws on failure.
util::UniqueFd group_member(const Netns& netns, const SocketAddress& group);

/// Fills `storage` and returns the length to pass on.
socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& storage);
SocketAddress from_sockaddr(const sockaddr_storage& storage);

}  // namespace directfaas::support
