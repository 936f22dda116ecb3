// SPDX-License-Identifier: Apache-2.0
#include "test/unit/kube/script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <utility>

namespace directfaas::kube {
namespace {

constexpr std::chrono::seconds kLong{60};

}  // namespace

std::string object(std::string_view name, int version, std::string_view uid) {
    return fmt::format(
        R"({{"metadata":{{"name":"{}","namespace":"shop","uid":"{}","resourceVersion":"{}"}}}})",
        name, uid, version);
}

std::string list(int version, const std::vector<std::string>& items,
                 std::string_view continuation) {
    return fmt::format(
        R"({{"kind":"List","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})",
        version, continuation, fmt::join(items, ","));
}

std::string event(std::string_view type, const std::string& object) {
    return fmt::format(R"({{"type":"{}","object":{}}})", type, object);
}

std::string bookmark(int version) {
    return fmt::format(
        R"({{"type":"BOOKMARK","object":{{"kind":"Pod","metadata":{{"resourceVersion":"{}"}}}}}})",
        version);
}

std::string status(int code, std::string_view reason, std::string_view details) {
    return fmt::format(
        R"({{"kind":"Status","status":"Failure","code":{},"reason":"{}","message":"so it is","details":{}}})",
        code, reason, details);
}

Script& Script::on_list(Step step) {
    const std::scoped_lock lock(mutex_);
    lists_.push_back(std::move(step));
    return *this;
}

Script& Script::on_list(int version, const std::vector<std::string>& items) {
    return on_list([text = list(version, items)](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(200, text);
    });
}

Script& Script::on_watch(Step step) {
    const std::scoped_lock lock(mutex_);
    watches_.push_back(std::move(step));
    return *this;
}

void Script::answer(const FakeRequest& request, FakeAnswer& answer) {
    Step step;
    {
        const std::scoped_lock lock(mutex_);
        auto shown = fmt::format("{} {}", request.is_watch() ? "watch" : "list",
                                 request.parameter("resourceVersion"));
        for (const auto* name : {"limit", "continue"}) {
            if (request.query.contains(name)) {
                shown += fmt::format(" {}={}", name, request.parameter(name));
            }
        }
        requests_.push_back(std::move(shown));
        if (request.is_watch()) {
            last_watch_ = request;
        }
        auto& steps = request.is_watch() ? watches_ : lists_;
        if (!steps.empty()) {
            step = std::move(steps.front());
            steps.pop_front();
        }
    }
    if (step) {
        step(request, answer);
    } else if (request.is_watch()) {
        lines_then_silence({})(request, answer);
    } else {
        answer.whole(200, list(1, {}));
    }
}

std::vector<std::string> Script::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

FakeRequest Script::last_watch() const {
    const std::scoped_lock lock(mutex_);
    return last_watch_;
}

Script::Step lines_then_silence(std::vector<std::string> lines) {
    return [lines = std::move(lines)](const FakeRequest&, FakeAnswer& answer) {
        answer.begin();
        for (const auto& line : lines) {
            answer.line(line);
        }
        answer.hang();
        answer.close();
    };
}

Script::Step lines_then_end(std::vector<std::string> lines) {
    return [lines = std::move(lines)](const FakeRequest&, FakeAnswer& answer) {
        answer.begin();
        for (const auto& line : lines) {
            answer.line(line);
        }
        answer.end();
    };
}

void ShowingSink::replace(const std::vector<RawObject>& objects) {
    const std::scoped_lock lock(mutex_);
    objects_.clear();
    for (const auto& object : objects) {
        objects_[object.key] = object.resource_version;
    }
    ++calls_;
    changed_.notify_all();
}

void ShowingSink::upsert(const RawObject& object) {
    const std::scoped_lock lock(mutex_);
    objects_[object.key] = object.resource_version;
    ++calls_;
    changed_.notify_all();
}

void ShowingSink::erase(const RawObject& object) {
    const std::scoped_lock lock(mutex_);
    objects_.erase(object.key);
    ++calls_;
    changed_.notify_all();
}

std::string ShowingSink::text() const {
    std::vector<std::string> words;
    for (const auto& [key, version] : objects_) {
        words.push_back(fmt::format("{}={}", key.name, version));
    }
    return fmt::format("{}", fmt::join(words, " "));
}

std::string ShowingSink::shown() const {
    const std::scoped_lock lock(mutex_);
    return text();
}

std::string ShowingSink::becomes(const std::string& wanted) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLong, [&] { return text() == wanted; });
    return text();
}

int ShowingSink::calls() const {
    const std::scoped_lock lock(mutex_);
    return calls_;
}

ReflectorOptions quick() {
    ReflectorOptions options;
    options.backoff = {.first = std::chrono::milliseconds{1}, .max = std::chrono::milliseconds{4}};
    options.short_watch = std::chrono::hours{1};
    options.seed = 1;
    return options;
}

}  // namespace directfaas::kube
