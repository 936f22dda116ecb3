// SPDX-License-Identifier: Apache-2.0
// Lines in, lines out, for several clients of a unix socket, without ever blocking the loop. Knows
// nothing of what the lines mean.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "lib/util/event_loop.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::control {

struct LineLimits {
    std::size_t clients = 32;
    std::size_t line_bytes = 1 << 20;            // of one request
    std::size_t stream_bytes = 1 << 20;          // that a reader of a stream may be behind
    std::chrono::milliseconds idle{60000};       // without progress, then the client is closed
    std::chrono::milliseconds last_words{5000};  // to read what is left before being closed
};

class LineServer {
   public:
    using ClientId = std::uint64_t;
    struct Events {
        /// One request. The next one of this client comes only after an answer().
        std::function<void(ClientId, std::string_view line)> request;
        /// The client is gone. Not called after finish() or for those that are still there at
        /// the end.
        std::function<void(ClientId)> closed;
        /// The line for a client that is not let in or is dropped. `code` as in the protocol.
        std::function<std::string(const char* code, const std::string& why)> refusal;
    };

    /// `listening` stays with the caller and must outlive the server.
    static util::Result<std::unique_ptr<LineServer>> create(util::EventLoop& loop, int listening,
                                                            LineLimits limits, Events events);
    LineServer(const LineServer&) = delete;
    LineServer& operator=(const LineServer&) = delete;
    ~LineServer();

    /// Answers the request of a client; nothing happens if it is gone.
    void answer(ClientId id, const std::string& line);
    /// Makes the client a reader of a stream: it is not asked for requests any more.
    void begin_stream(ClientId id);
    /// Sends a line of a stream. A client that is too far behind is dropped with a last line that
    /// says so, and reported as closed.
    void stream(ClientId id, const std::string& line);
    /// Closes the client once everything is written.
    void finish(ClientId id);
    [[nodiscard]] std::size_t client_count() const { return clients_.size(); }

   private:
    using Clock = std::chrono::steady_clock;
    struct Client {
        util::UniqueFd socket;
        std::string input;
        std::string output;
        std::size_t written = 0;  // of output
        bool awaiting = false;    // a request is being answered
        bool streaming = false;
        bool finishing = false;
        bool input_ended = false;
        bool broken = false;  // cannot be written to
        Clock::time_point progress;
    };

    LineServer(util::EventLoop& loop, int listening, LineLimits limits, Events events);
    void accept_all();
    void pause_accepting();
    void admit(util::UniqueFd socket);
    void turn_away(const util::UniqueFd& socket, const char* code, const std::string& why) const;
    void on_ready(ClientId id, std::uint32_t events);
    [[nodiscard]] bool read_some(Client& client) const;
    void take_requests(ClientId id);
    void write_some(ClientId id);
    void update(ClientId id);
    void later(std::function<void()> work);
    void close(ClientId id);
    void close_idle();

    util::EventLoop& loop_;
    int listening_;
    LineLimits limits_;
    Events events_;
    ClientId next_id_ = 1;
    std::map<ClientId, Client> clients_;
    util::EventLoop::TimerId sweep_ = 0;
    util::EventLoop::TimerId resume_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // for posted work
};

}  // namespace directfaas::control
