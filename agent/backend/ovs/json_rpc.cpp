// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/json_rpc.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

#include "agent/backend/ovs/unix_socket.h"

namespace directfaas::backend::ovs {
namespace {

constexpr std::chrono::seconds kPatience{20};

}  // namespace

std::size_t object_end(std::string_view text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return std::string_view::npos;
}

util::Result<JsonRpc> JsonRpc::open(const std::string& socket_path) {
    auto socket = connect_unix(socket_path);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    JsonRpc connection;
    connection.socket_ = std::move(*socket);
    return connection;
}

util::Result<void> JsonRpc::ask(const std::string& method, const Json& params) {
    const std::string text =
        Json{{"method", method}, {"params", params}, {"id", ++next_id_}}.dump();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (std::string_view rest = text; !rest.empty();) {
        const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno != EAGAIN && errno != EINTR) {
            return util::fail_errno("asking Open vSwitch");
        } else if (auto waited = wait_for(socket_.get(), POLLOUT, deadline); !waited) {
            return waited;
        }
    }
    return {};
}

util::Result<Json> JsonRpc::next_message() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
        if (const auto end = object_end(received_); end != std::string::npos) {
            auto message = Json::parse(received_.substr(0, end), nullptr, false);
            received_.erase(0, end);
            if (message.is_discarded()) {
                return util::fail("Open vSwitch answered with something that is not JSON");
            }
            return message;
        }
        if (auto waited = wait_for(socket_.get(), POLLIN, deadline); !waited) {
            return std::unexpected(waited.error());
        }
        std::array<char, 1 << 16> buffer{};
        const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got == 0) {
            return util::fail("Open vSwitch closed the connection");
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return util::fail_errno("reading an answer of Open vSwitch");
        }
        received_.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
}

util::Result<Json> JsonRpc::answer() {
    while (true) {
        auto message = next_message();
        if (!message) {
            return message;
        }
        if (message->contains("method") && message->value("method", "") == "echo") {
            const std::string reply = Json{
                {"id", (*message)["id"]},
                {"result", (*message)["params"]},
                {"error", nullptr}}.dump();
            static_cast<void>(::send(socket_.get(), reply.data(), reply.size(), MSG_NOSIGNAL));
            continue;
        }
        if (!message->contains("id") || (*message)["id"] != next_id_) {
            continue;  // a notice, or the late answer to a request that was given up
        }
        if (message->contains("error") && !(*message)["error"].is_null()) {
            const auto& error = (*message)["error"];
            return util::fail(error.is_string() ? error.get<std::string>() : error.dump());
        }
        return (*message)["result"];
    }
}

util::Result<Json> JsonRpc::call(const std::string& method, const Json& params) {
    if (auto asked = ask(method, params); !asked) {
        return std::unexpected(asked.error());
    }
    return answer();
}

}  // namespace directfaas::backend::ovs
