// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server for benchmarks: what it costs itself must not hide what is between client
// and server.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include "lib/util/unique_fd.h"
#include "test/support/netns.h"

namespace directfaas::bench {

/// Answers `GET /N` with N bytes, many connections at once, on one thread bound to `cpu`, until
/// destroyed. Both families.
class HttpServer {
   public:
    HttpServer(const support::Netns& netns, std::uint16_t port, int cpu);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

   private:
    struct Client {
        util::UniqueFd fd;
        std::string unread;
    };
    void serve();
    void accept_one();
    bool read_and_answer(Client& client);

    util::UniqueFd listener_;
    util::UniqueFd stop_;
    util::UniqueFd epoll_;
    std::map<int, Client> clients_;
    std::thread thread_;
};

/// The end of the headers, after their empty line; npos if they are not complete.
std::size_t header_end(const std::string& text);
/// Value of Content-Length; 0 if there is none.
std::size_t content_length(const std::string& headers);

}  // namespace directfaas::bench
