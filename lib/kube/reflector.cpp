// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/reflector.h"

#include <fmt/format.h>

#include "lib/kube/line_splitter.h"
#include "lib/kube/retry.h"
#include "lib/util/log.h"
#include "lib/util/number.h"

namespace directfaas::kube {
namespace {

/// The server ends a watch itself; only a server that forgot it is silent for longer.
constexpr std::chrono::seconds kWatchGrace{30};

/// Versions of one resource can be compared as numbers; one that is none is not.
std::optional<std::uint64_t> version_number(const std::string& version) {
    return util::parse_number<std::uint64_t>(version);
}

}  // namespace

/// One request, from its first byte to its last.
struct Reflector::Watch {
    LineSplitter lines;
    bool opened = false;
    std::uint64_t events = 0;
    std::optional<ApiError> error{};  // the server's last word
    std::optional<std::string> not_understood{};
};

Reflector::Reflector(std::unique_ptr<HttpTransport> transport, Resource resource,
                     ReflectorSink& sink, ReflectorOptions options)
    : transport_(std::move(transport)),
      resource_(std::move(resource)),
      sink_(sink),
      options_(options),
      backoff_(options.backoff, options.seed),
      random_(options.seed) {}

Reflector::~Reflector() { stop(); }

void Reflector::start() {
    thread_ = std::thread([this] { run(); });
}

void Reflector::stop() {
    stop_.request_stop();
    transport_->abort();
    if (thread_.joinable()) {
        thread_.join();
    }
}

ReflectorStatus Reflector::status() const {
    const std::scoped_lock lock(mutex_);
    return status_;
}

void Reflector::run() {
    while (!stop_.stop_requested()) {
        if (list()) {
            watch_until_relist();
        }
    }
}

/// False: it failed, and the time to wait is over.
bool Reflector::list() {
    const auto version = version_unavailable_ ? "" : version_.empty() ? "0" : version_;
    auto listed = list_all(*transport_, resource_, version, options_.page_size);
    if (stop_.stop_requested()) {
        return false;
    }
    if (!listed) {
        const auto& error = listed.error();
        if (!version.empty() && (error.expired() || error.version_too_large())) {
            version_unavailable_ = true;
            return list();
        }
        note_trouble(fmt::format("list {}: {}", resource_.path, error.text()), error.code);
        pause(error.retry_after, error.code != 0);
        return false;
    }
    sink_.replace(listed->items);
    version_ = listed->resource_version;
    version_unavailable_ = false;
    const std::scoped_lock lock(mutex_);
    status_.listed = true;
    ++status_.lists;
    return true;
}

void Reflector::watch_until_relist() {
    short_watches_ = 0;
    failing_since_.reset();
    while (!stop_.stop_requested()) {
        if (unreached_ && was_put_back()) {
            version_unavailable_ = true;
            relist("put_back");
            return;
        }
        const auto ended = watch();
        {
            const std::scoped_lock lock(mutex_);
            status_.watching = false;
        }
        if (stop_.stop_requested() || !go_on(ended)) {
            return;
        }
    }
}

/// False: the list is to be read again.
bool Reflector::go_on(const Ended& ended) {
    short_watches_ = ended.next == Next::kShort ? short_watches_ + 1 : 0;
    if (ended.next != Next::kServerError) {
        failing_since_.reset();
    } else if (!failing_since_) {
        failing_since_ = Clock::now();
    }
    if (ended.next == Next::kRelist) {
        relist(ended.reason);
        return false;
    }
    if (short_watches_ >= options_.short_watches) {
        version_.clear();
        relist("short_watches");
        return false;
    }
    if (failing_since_ && Clock::now() - *failing_since_ > options_.server_errors) {
        relist("server_errors");
        return false;
    }
    if (ended.next != Next::kWatch) {
        pause(ended.retry_after, ended.answered);
    }
    return true;
}

HttpRequest Reflector::watch_request() {
    const auto seconds = std::uniform_int_distribution<std::int64_t>(
        options_.watch_min.count(), options_.watch_max.count())(random_);
    return {.path = request_path(resource_, {{"watch", "1"},
                                             {"resourceVersion", version_},
                                             {"allowWatchBookmarks", "true"},
                                             {"timeoutSeconds", std::to_string(seconds)}}),
            .idle_timeout = std::chrono::seconds{seconds} + kWatchGrace};
}

Reflector::Ended Reflector::watch() {
    Watch watch{.lines = LineSplitter(options_.max_event)};
    const auto begin = Clock::now();
    const auto answer = transport_->stream(
        watch_request(), [&](std::string_view bytes) { return receive(bytes, watch); });
    if (watch.not_understood) {
        note_trouble(fmt::format("watch {}: {}", resource_.path, *watch.not_understood), kHttpOk);
        return {.next = Next::kRelist, .reason = "not_understood", .retry_after = {}};
    }
    if (watch.error) {
        return ended_by(*watch.error);
    }
    if (answer && answer->status != kHttpOk) {
        return ended_by(api_error(*answer));
    }
    if (!answer) {
        note_trouble(answer.error().text(), 0);
        unreached_ = unreached_ || !watch.opened;
    }
    Ended ended;
    ended.answered = answer || watch.opened;
    if (!watch.opened) {
        ended.next = Next::kWait;
    } else if (Clock::now() - begin < options_.short_watch) {
        ended.next = watch.events == 0 ? Next::kShort : Next::kWait;
    }
    return ended;
}

/// Whether the storage is at an earlier version than we are: a backup was put back while nobody
/// answered. A watch would not tell: the server leaves out every event up to the version asked for.
bool Reflector::was_put_back() {
    const auto newest = newest_version(*transport_, resource_);
    if (!newest) {
        return false;  // the watch meets the same trouble, and knows what to do
    }
    unreached_ = false;
    const auto storage = version_number(*newest);
    const auto ours = version_number(version_);
    return storage && ours && *storage < *ours;
}

/// False ends the watch.
bool Reflector::receive(std::string_view bytes, Watch& watch) {
    if (!watch.opened) {
        watch.opened = true;
        note_watching();
    }
    const auto state =
        watch.lines.feed(bytes, [&](std::string_view line) { return take(line, watch); });
    if (state == LineSplitter::State::kTooLong) {
        watch.not_understood = fmt::format("an event of more than {} bytes", options_.max_event);
    }
    return state == LineSplitter::State::kOpen && !stop_.stop_requested();
}

/// False ends the watch.
bool Reflector::take(std::string_view line, Watch& watch) {
    auto event = read_event(line);
    if (!event) {
        watch.not_understood = event.error().text();
        return false;
    }
    if (event->type == EventType::kError) {
        watch.error = std::move(event->error);
        return false;
    }
    switch (event->type) {
        case EventType::kAdded:
        case EventType::kModified:
            sink_.upsert(event->object);
            break;
        case EventType::kDeleted:
            sink_.erase(event->object);
            break;
        default:
            break;
    }
    version_ = std::move(event->object.resource_version);
    ++watch.events;
    const std::scoped_lock lock(mutex_);
    ++status_.events;
    return !stop_.stop_requested();
}

Reflector::Ended Reflector::ended_by(const ApiError& error) {
    note_trouble(fmt::format("watch {}: {}", resource_.path, error.text()), error.code);
    Ended ended{.next = Next::kRelist, .reason = "refused", .retry_after = error.retry_after};
    if (error.version_too_large()) {
        version_unavailable_ = true;
        ended.reason = "version_too_large";
    } else if (error.expired()) {
        ended.reason = "expired";
    } else if (error.too_many_requests()) {
        ended.next = Next::kWait;
    } else if (error.server_side()) {
        ended.next = Next::kServerError;
    }
    return ended;
}

/// Waits even before the first list after a watch that worked: whatever ended that watch may end
/// the next one at once.
void Reflector::relist(const std::string& reason) {
    {
        const std::scoped_lock lock(mutex_);
        ++status_.relists[reason];
    }
    util::log::info("{}: reading the whole list again ({})", resource_.path, reason);
    pause({});
}

void Reflector::pause(std::optional<std::chrono::seconds> at_least, bool answered) {
    const auto wait = wait_before_retry(backoff_, answered, options_.unanswered_max, at_least);
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, stop_.get_token(), wait, [] { return false; });
}

void Reflector::note_trouble(const std::string& text, int code) {
    if (stop_.stop_requested()) {
        return;
    }
    const std::scoped_lock lock(mutex_);
    status_.trouble_code = code;
    if (status_.trouble != text) {
        util::log::warning("{}", text);
        status_.trouble = text;
    }
}

void Reflector::note_watching() {
    const std::scoped_lock lock(mutex_);
    status_.watching = true;
    status_.trouble.clear();
    ++status_.watches;
}

}  // namespace directfaas::kube
