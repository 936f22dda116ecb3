// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/util/log.h"

namespace directfaas::kube {
namespace {

constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxWord = 128;

/// At most `limit` bytes, and no half character.
std::string cut(const std::string& text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) {
        --limit;
    }
    return text.substr(0, limit);
}

}  // namespace

EventRecorder::EventRecorder(std::unique_ptr<HttpTransport> transport, EventOptions options)
    : options_(std::move(options)),
      client_(std::move(transport)),
      serial_(
          static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count())),
      bucket_(options_.burst, options_.refill, TokenBucket::Clock::now()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EventRecorder::~EventRecorder() {
    thread_.request_stop();
    client_.abort();
}

void EventRecorder::record(Event event) {
    const auto now = std::chrono::system_clock::now();
    const std::scoped_lock lock(mutex_);
    // The first may be on its way already; it is not touched any more.
    const auto first = waiting_.empty() ? waiting_.begin() : std::next(waiting_.begin());
    const auto same = std::find_if(first, waiting_.end(),
                                   [&](const Waiting& other) { return other.event == event; });
    if (same != waiting_.end()) {
        ++same->count;
        same->last = now;
        ++counters_.repeated;
        return;
    }
    if (waiting_.size() >= options_.max_waiting || !bucket_.take(TokenBucket::Clock::now())) {
        ++counters_.dropped;
        return;
    }
    waiting_.push_back({.event = std::move(event), .first = now, .last = now});
    changed_.notify_all();
}

EventCounters EventRecorder::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

void EventRecorder::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); }) &&
           !stop.stop_requested()) {
        const Waiting next = waiting_.front();
        lock.unlock();
        const bool done = send(next);
        lock.lock();
        if (done) {
            waiting_.pop_front();
        } else {
            changed_.wait_for(lock, stop, options_.retry, [] { return false; });
        }
    }
}

bool EventRecorder::send(const Waiting& waiting) {
    const auto ns = waiting.event.ns.empty() ? "default" : waiting.event.ns;
    const auto answer = client_.create(
        fmt::format("/apis/events.k8s.io/v1/namespaces/{}/events", ns), text_of(waiting));
    if (!answer) {
        const auto& error = answer.error();
        if (error.code == 0 || error.too_many_requests() || error.server_side()) {
            return false;
        }
        util::log::warning("event {} on {} {}: {}", waiting.event.reason, waiting.event.kind,
                           waiting.event.name, error.text());
    }
    const std::scoped_lock lock(mutex_);
    ++(answer ? counters_.sent : counters_.dropped);
    return true;
}

std::string EventRecorder::text_of(const Waiting& waiting) {
    const auto& event = waiting.event;
    const auto ns = event.ns.empty() ? "default" : event.ns;
    nlohmann::json regarding{
        {"apiVersion", event.api_version}, {"kind", event.kind}, {"name", event.name}};
    if (!event.ns.empty()) {
        regarding["namespace"] = event.ns;
    }
    if (!event.uid.empty()) {
        regarding["uid"] = event.uid;
    }
    nlohmann::json text{
        {"apiVersion", "events.k8s.io/v1"},
        {"kind", "Event"},
        {"metadata",
         {{"name", fmt::format("{}.{:x}", cut(event.name, 200), serial_++)}, {"namespace", ns}}},
        {"eventTime", micro_time(waiting.first)},
        {"reportingController", cut(options_.controller, kMaxWord)},
        {"reportingInstance", cut(options_.instance, kMaxWord)},
        {"type", event.type == Event::Type::kWarning ? "Warning" : "Normal"},
        {"reason", cut(event.reason, kMaxWord)},
        {"action", cut(event.action, kMaxWord)},
        {"note", cut(event.note, kMaxNote)},
        {"regarding", std::move(regarding)}};
    if (waiting.count > 1) {
        text["series"] = {{"count", waiting.count}, {"lastObservedTime", micro_time(waiting.last)}};
    }
    return text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace directfaas::kube
