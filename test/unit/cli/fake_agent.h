// SPDX-License-Identifier: Apache-2.0
// An agent of the test's own on a real unix socket: a script says what happens on a connection.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "lib/util/unique_fd.h"

namespace directfaas::cli {

/// A directory of the test's own, removed with all it holds.
class TemporaryDirectory {
   public:
    TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();
    [[nodiscard]] const std::string& path() const { return path_; }

   private:
    std::string path_;
};

/// One accepted connection, seen from the agent's side.
class Peer {
   public:
    explicit Peer(util::UniqueFd fd) : fd_(std::move(fd)) {}
    /// The request line as JSON; null if the client closed first.
    nlohmann::json request();
    /// Sends text as it is. False once the client is gone.
    bool send(std::string_view text) const;
    /// Waits until the client closes.
    void wait_closed() const;

   private:
    util::UniqueFd fd_;
};

/// Listens on `path` and runs `script` on each connection, one after the other, until destroyed.
class FakeAgent {
   public:
    FakeAgent(const std::string& path, std::function<void(Peer&)> script);
    FakeAgent(const FakeAgent&) = delete;
    FakeAgent& operator=(const FakeAgent&) = delete;
    ~FakeAgent();

    /// An agent that gives every request the same answer.
    static std::function<void(Peer&)> answering(std::string line);

   private:
    util::UniqueFd listener_;
    std::function<void(Peer&)> script_;
    std::thread thread_;
};

/// Binds a socket and closes it again: what a killed agent leaves.
void leave_dead_socket(const std::string& path);

}  // namespace directfaas::cli
