// SPDX-License-Identifier: Apache-2.0
// What `kubectl describe` and `kubectl get events` show. Best effort, and bounded in every way: a
// caller never waits, and a cluster in trouble is not given more of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "lib/kube/client.h"
#include "lib/kube/token_bucket.h"

namespace directfaas::kube {

struct EventOptions {
    std::string controller{};  // "directfaas.io/agent"
    std::string instance{};    // which of them: the node's or the pod's name
    std::size_t max_waiting = 256;
    double burst = 25;
    std::chrono::milliseconds refill{10000};  // time for one more after the burst
    std::chrono::milliseconds retry{5000};    // when the apiserver cannot be reached
};

struct Event {
    enum class Type : std::uint8_t { kNormal, kWarning };

    // The object that it is about; no namespace: of the whole cluster.
    std::string api_version;
    std::string kind;
    std::string ns;
    std::string name;
    std::string uid;

    Type type = Type::kNormal;
    std::string reason;  // CamelCase, for machines
    std::string action;  // what was done or tried, CamelCase
    std::string note;    // a sentence; cut off at 1 kB

    bool operator==(const Event&) const = default;
};

struct EventCounters {
    std::uint64_t sent = 0;
    std::uint64_t repeated = 0;  // told with another of the same content
    std::uint64_t dropped = 0;   // by the limits, or refused by the apiserver
};

class EventRecorder {
   public:
    EventRecorder(std::unique_ptr<HttpTransport> transport, EventOptions options);
    EventRecorder(const EventRecorder&) = delete;
    EventRecorder& operator=(const EventRecorder&) = delete;
    /// What is not sent yet is not sent.
    ~EventRecorder();

    /// Any thread; never waits.
    void record(Event event);
    [[nodiscard]] EventCounters counters() const;

   private:
    struct Waiting {
        Event event;
        std::chrono::system_clock::time_point first;
        std::chrono::system_clock::time_point last;
        int count = 1;
    };

    void run(const std::stop_token& stop);
    /// False: try it again later.
    bool send(const Waiting& waiting);
    [[nodiscard]] std::string text_of(const Waiting& waiting);

    EventOptions options_;
    Client client_;
    std::uint64_t serial_;  // of the thread alone

    mutable std::mutex mutex_;  // of all that follows
    std::condition_variable_any changed_;
    std::deque<Waiting> waiting_;
    TokenBucket bucket_;
    EventCounters counters_;

    std::jthread thread_;  // last: it uses all the others
};

}  // namespace directfaas::kube
