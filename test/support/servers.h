// SPDX-License-Identifier: Apache-2.0
// What listens in a simulated pod. Servers serve from construction to destruction, count what
// reached them and name themselves in every answer, so that a test knows which instance answered.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test/support/socket.h"

namespace httplib {
class Server;
}

namespace directfaas::support {

/// A thread that runs until its owner goes.
class StoppableThread {
   public:
    StoppableThread();
    ~StoppableThread();
    /// `body` must return soon after `stop_fd()` gets readable.
    void start(std::function<void()> body);
    void stop();
    [[nodiscard]] int stop_fd() const { return event_.get(); }

   private:
    util::UniqueFd event_;
    std::thread thread_;
};

/// TCP, both families, one port: answers each line with "<name> <line>".
class LineServer {
   public:
    LineServer(const Netns& netns, std::string name, std::uint16_t port);
    ~LineServer();

    [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
    [[nodiscard]] std::uint64_t lines() const { return lines_; }
    /// Connections open at this moment.
    [[nodiscard]] std::uint64_t open() const { return open_; }
    /// Peers in the order they were accepted.
    [[nodiscard]] std::vector<SocketAddress> peers() const;

   private:
    struct Client {
        util::UniqueFd fd;
        std::string unread;
    };
    void serve();
    void accept_all(int listener);
    bool read_and_answer(Client& client);

    std::string name_;
    std::vector<util::UniqueFd> listeners_;
    std::map<int, Client> clients_;
    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> lines_{0};
    std::atomic<std::uint64_t> open_{0};
    mutable std::mutex mutex_;
    std::vector<SocketAddress> peers_;  // guarded by mutex_
    StoppableThread thread_;
};

/// UDP, both families, one port: answers each datagram with "<name> <datagram>".
class DatagramServer {
   public:
    DatagramServer(const Netns& netns, std::string name, std::uint16_t port);
    ~DatagramServer();

    [[nodiscard]] std::uint64_t datagrams() const { return datagrams_; }

   private:
    void serve();
    void answer_all(int fd);

    std::string name_;
    std::vector<util::UniqueFd> sockets_;
    std::atomic<std::uint64_t> datagrams_{0};
    StoppableThread thread_;
};

/// HTTP/1.1, both families, one port: GET / answers with its name.
class HttpServer {
   public:
    HttpServer(const Netns& netns, std::string name, std::uint16_t port);
    ~HttpServer();

    [[nodiscard]] std::uint64_t requests() const { return requests_; }

   private:
    std::unique_ptr<httplib::Server> server_;
    std::thread thread_;
    std::atomic<std::uint64_t> requests_{0};
};

/// One GET on a connection of its own, from inside `netns`: the body, or why not.
util::Result<std::string> http_get(const Netns& netns, const SocketAddress& to,
                                   const std::string& path = "/");

}  // namespace directfaas::support
