// SPDX-License-Identifier: Apache-2.0
// Steady load from one pod, against a LineServer, counted to the unit by the clients themselves.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test/support/socket.h"

namespace directfaas::support {

enum class LoadMode : std::uint8_t {
    kNewConnections,   // connect, ask, close, again
    kKeptConnections,  // each worker keeps one connection and asks on it
};

struct LoadOptions {
    LoadMode mode = LoadMode::kNewConnections;
    int workers = 2;
    std::chrono::microseconds pause{2000};  // of each worker between requests
};
/// A connection for each request.
inline constexpr LoadOptions kFresh{.mode = LoadMode::kNewConnections};

struct LoadReport {
    std::uint64_t connections = 0;  // opened with success
    std::uint64_t answered = 0;     // requests with the right answer
    std::uint64_t failed = 0;
    std::map<std::string, std::uint64_t> by_server;  // answered, by the name in the answer
    std::vector<std::string> failures;               // the first few, as text
};

class Load {
   public:
    Load(const Netns& netns, const SocketAddress& to, const LoadOptions& options = {});
    ~Load();

    /// Requests answered or failed so far.
    [[nodiscard]] std::uint64_t done() const { return done_; }
    /// Waits until `more` further requests are done: the load has lived through what happened.
    bool wait_for(std::uint64_t more);
    /// Lets each worker finish its request, closes, and returns what they counted.
    LoadReport stop();

   private:
    void work(int worker);
    void ask(TcpClient& client, const std::string& line);
    void record_failure(const util::Error& error);

    const Netns& netns_;
    SocketAddress to_;
    LoadOptions options_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> done_{0};
    std::mutex mutex_;
    LoadReport report_;  // guarded by mutex_
    std::vector<std::thread> threads_;
};

}  // namespace directfaas::support
