// SPDX-License-Identifier: Apache-2.0
// List, then watch, for ever: keeps a sink equal to what the apiserver has of one resource. The
// rules by which it goes on, waits or starts anew are those of client-go's reflector.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "lib/kube/http_transport.h"
#include "lib/kube/lister.h"
#include "lib/kube/raw_object.h"
#include "lib/kube/resource.h"
#include "lib/util/backoff.h"

namespace directfaas::kube {

struct ReflectorOptions {
    util::BackoffOptions backoff{.first = std::chrono::milliseconds{800},
                                 .max = std::chrono::milliseconds{30000},
                                 .jitter = 1.0,
                                 .calm = std::chrono::milliseconds{120000}};
    /// The longest wait while nobody answers: a refused connection costs an apiserver nothing, and
    /// until it is there again no node learns of a new instance.
    std::chrono::milliseconds unanswered_max{5000};
    std::chrono::seconds watch_min{300};  // how long the server is asked to keep a watch open
    std::chrono::seconds watch_max{600};
    std::chrono::milliseconds short_watch{1000};
    int short_watches = 3;  // so many in a row without an event: the version is not trusted
    std::chrono::milliseconds server_errors{30000};  // so long a watch is tried again on 5xx
    std::size_t page_size = 500;
    std::size_t max_event = 16U << 20;  // bytes
    std::uint64_t seed = std::random_device{}();
};

/// Where the objects go. Called on the reflector's thread; the views end with the call.
class ReflectorSink {
   public:
    ReflectorSink() = default;
    ReflectorSink(const ReflectorSink&) = delete;
    ReflectorSink& operator=(const ReflectorSink&) = delete;
    virtual ~ReflectorSink() = default;

    /// These are all there are.
    virtual void replace(const std::vector<RawObject>& objects) = 0;
    virtual void upsert(const RawObject& object) = 0;
    virtual void erase(const RawObject& object) = 0;
};

struct ReflectorStatus {
    bool listed = false;    // at least once
    bool watching = false;  // now
    std::string trouble;    // why not, as a sentence; empty if nothing is wrong
    int trouble_code = 0;   // HTTP's, 0: there was no answer
    std::uint64_t lists = 0;
    std::uint64_t watches = 0;
    std::uint64_t events = 0;
    std::map<std::string, std::uint64_t> relists;  // by reason
};

class Reflector {
   public:
    /// `sink` must outlive it.
    Reflector(std::unique_ptr<HttpTransport> transport, Resource resource, ReflectorSink& sink,
              ReflectorOptions options);
    Reflector(const Reflector&) = delete;
    Reflector& operator=(const Reflector&) = delete;
    ~Reflector();

    void start();
    /// The sink is not called any more when this returns. Ends what is under way; any thread but
    /// the reflector's own.
    void stop();

    [[nodiscard]] const Resource& resource() const { return resource_; }
    [[nodiscard]] ReflectorStatus status() const;

   private:
    using Clock = std::chrono::steady_clock;
    enum class Next : std::uint8_t { kWatch, kShort, kWait, kServerError, kRelist };
    /// How a watch ended.
    struct Ended {
        Next next = Next::kWatch;
        std::string reason;  // kRelist: for the counter
        std::optional<std::chrono::seconds> retry_after;
        bool answered = true;
    };
    struct Watch;

    void run();
    bool list();
    void watch_until_relist();
    bool go_on(const Ended& ended);
    HttpRequest watch_request();
    Ended watch();
    bool was_put_back();
    bool receive(std::string_view bytes, Watch& watch);
    bool take(std::string_view line, Watch& watch);
    Ended ended_by(const ApiError& error);
    void pause(std::optional<std::chrono::seconds> at_least, bool answered = true);
    void relist(const std::string& reason);
    void note_trouble(const std::string& text, int code);
    void note_watching();

    const std::unique_ptr<HttpTransport> transport_;
    const Resource resource_;
    ReflectorSink& sink_;
    const ReflectorOptions options_;
    std::stop_source stop_;
    std::thread thread_;

    // Of the thread alone.
    util::Backoff backoff_;
    std::mt19937_64 random_;
    std::string version_;  // of the last list, event or bookmark
    bool version_unavailable_ = false;
    bool unreached_ = false;  // nobody has answered since
    int short_watches_ = 0;
    std::optional<Clock::time_point> failing_since_;  // 5xx

    mutable std::mutex mutex_;
    std::condition_variable_any stopped_;
    ReflectorStatus status_;  // guarded by mutex_
};

}  // namespace directfaas::kube
