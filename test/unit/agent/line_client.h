// SPDX-License-Identifier: Apache-2.0
// A client of the control socket that turns the agent's loop while it waits: both ends live on one
// thread, so a test sees every step.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lib/util/unique_fd.h"
#include "test/unit/agent/pump.h"

namespace directfaas::agent_test {

class LineClient {
   public:
    LineClient(util::EventLoop& loop, const std::string& path) : loop_(loop) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
        socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                               sizeof(address)) == 0;
    }

    [[nodiscard]] bool connected() const { return connected_; }
    void close() { socket_.reset(); }
    /// Says that no more requests come, but still reads.
    void end_requests() const { ::shutdown(socket_.get(), SHUT_WR); }

    /// Sends bytes as they are, turning the loop while the socket is full.
    bool send(const std::string& text) {
        std::size_t sent = 0;
        return pump_until(loop_, [&] {
            const auto size = ::send(socket_.get(), text.data() + sent, text.size() - sent,
                                     MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += size > 0 ? static_cast<std::size_t>(size) : 0;
            return sent == text.size();
        });
    }
    /// The next line, or nothing when the agent closed the connection or none came in time.
    std::optional<std::string> line() {
        auto end = std::string::npos;
        pump_until(loop_, [&] {
            read_some();
            end = received_.find('\n');
            return end != std::string::npos || closed_;
        });
        if (end == std::string::npos) {
            return std::nullopt;
        }
        auto text = received_.substr(0, end);
        received_.erase(0, end + 1);
        return text;
    }
    nlohmann::json ask(const nlohmann::json& request) {
        send(request.dump() + "\n");
        return nlohmann::json::parse(line().value_or("null"));
    }
    nlohmann::json next() { return nlohmann::json::parse(line().value_or("null")); }
    /// Whether the agent closes the connection, with nothing left to read.
    bool is_closed() {
        pump_until(loop_, [&] {
            read_some();
            return closed_;
        });
        return closed_ && received_.empty();
    }
    /// Whether a whole line is there already.
    bool has_line() {
        pump(loop_);
        read_some();
        return received_.find('\n') != std::string::npos;
    }

   private:
    void read_some() {
        char buffer[4096];
        for (;;) {
            const auto size = ::recv(socket_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
            if (size > 0) {
                received_.append(buffer, static_cast<std::size_t>(size));
                continue;
            }
            closed_ = closed_ || size == 0 || (errno != EAGAIN && errno != EINTR);
            return;
        }
    }

    util::EventLoop& loop_;
    util::UniqueFd socket_;
    std::string received_;
    bool connected_ = false;
    bool closed_ = false;
};

}  // namespace directfaas::agent_test
