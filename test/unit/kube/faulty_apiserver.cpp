// SPDX-License-Identifier: Apache-2.0
#include "test/unit/kube/faulty_apiserver.h"

#include <fmt/format.h>

#include "test/unit/kube/script.h"

namespace directfaas::kube {
namespace {

constexpr int kNames = 6;
constexpr std::size_t kPage = 2;

std::string object_of(const std::string& name, const std::string& what) {
    const auto slash = what.find('/');
    return object(name, std::stoi(what.substr(slash + 1)), what.substr(0, slash));
}

}  // namespace

void FaultyApiserver::end() {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
}

void FaultyApiserver::calm_down() {
    const std::scoped_lock lock(mutex_);
    calm_ = true;
}

FaultyApiserver::State FaultyApiserver::state() const {
    const std::scoped_lock lock(mutex_);
    return states_.at(version_);
}

std::map<std::string, int> FaultyApiserver::faults() const {
    const std::scoped_lock lock(mutex_);
    return faults_;
}

bool FaultyApiserver::chance(int percent) {
    return !calm_ && static_cast<int>(random_() % 100) < percent;
}

void FaultyApiserver::record(const std::string& type, const std::string& name) {
    State next = states_.at(version_);
    ++version_;
    if (type == "ADDED") {
        next[name] = fmt::format("u{}/{}", next_uid_++, version_);
    } else {
        next[name] = fmt::format("{}/{}", next[name].substr(0, next[name].find('/')), version_);
    }
    history_[version_] = {type, object_of(name, next[name])};
    if (type == "DELETED") {
        next.erase(name);
    }
    states_[version_] = std::move(next);
}

void FaultyApiserver::step() {
    const std::scoped_lock lock(mutex_);
    const auto name = fmt::format("o{}", random_() % kNames);
    const bool there = states_.at(version_).contains(name);
    const auto dice = random_() % 20;
    if (dice == 0) {
        compacted_ = version_;
    } else if (dice == 1) {
        // What a restore should do: an old state, but no version twice.
        const auto old =
            std::next(states_.begin(), static_cast<std::ptrdiff_t>(random_() % states_.size()));
        states_[version_ + 1] = State(old->second);
        compacted_ = ++version_;
    } else if (!there) {
        record("ADDED", name);
    } else if (dice < 12) {
        record("MODIFIED", name);
    } else {
        record("DELETED", name);
        if (dice < 16) {
            record("ADDED", name);
        }
    }
    changed_.notify_all();
}

void FaultyApiserver::answer(const FakeRequest& request, FakeAnswer& out) {
    request.is_watch() ? answer_watch(request, out) : answer_list(request, out);
}

std::string FaultyApiserver::page(int version, std::size_t from, std::size_t limit) const {
    std::vector<std::string> items;
    const auto& state = states_.at(version);
    std::size_t at = 0;
    for (const auto& [name, what] : state) {
        if (at >= from && at < from + limit) {
            items.push_back(object_of(name, what));
        }
        ++at;
    }
    const bool more = from + limit < state.size();
    return list(version, items, more ? fmt::format("{}.{}", version, from + limit) : "");
}

void FaultyApiserver::answer_list(const FakeRequest& request, FakeAnswer& out) {
    std::unique_lock lock(mutex_);
    if (misbehave(out, false)) {
        return;
    }
    const auto asked = request.parameter("resourceVersion");
    const auto token = request.parameter("continue");
    std::string text;
    if (token != "-") {
        const auto dot = token.find('.');
        text = page(std::stoi(token.substr(0, dot)), std::stoul(token.substr(dot + 1)), kPage);
    } else if (request.query.contains("limit")) {
        text = page(version_, 0, kPage);
    } else if (asked == "0" && chance(30)) {
        fault("stale list");  // the state of an apiserver that lags
        text = page(std::max(compacted_, version_ - 3), 0, SIZE_MAX / 2);
    } else {
        text = page(version_, 0, SIZE_MAX / 2);
    }
    lock.unlock();
    out.whole(200, text);
}

/// True: an answer has been given, or the connection is closed.
bool FaultyApiserver::misbehave(FakeAnswer& out, bool between_events) {
    struct Fault {
        const char* name;
        int code;
    };
    const Fault kFaults[] = {
        {"expired", 410}, {"slow down", 429}, {"broken", 500}, {"no answer", 0}, {"ended", -1}};
    if (!chance(between_events ? 15 : 20)) {
        return false;
    }
    const auto& chosen = kFaults[random_() % std::size(kFaults)];
    if (!between_events && chosen.code == -1) {
        return false;
    }
    fault(fmt::format("{}{}", between_events ? "watch " : "answer ", chosen.name));
    if (chosen.code > 0 && between_events) {
        out.line(event("ERROR", status(chosen.code, "Chosen")));
    } else if (chosen.code > 0) {
        out.whole(chosen.code, status(chosen.code, "Chosen"));
        return true;
    }
    if (chosen.code == 0) {
        if (between_events) {
            out.chunk("{\"type\":\"ADDED\",\"obj");
        }
        out.close();
    } else {
        out.end();
    }
    return true;
}

void FaultyApiserver::answer_watch(const FakeRequest& request, FakeAnswer& out) {
    std::unique_lock lock(mutex_);
    if (misbehave(out, false)) {
        return;
    }
    int version = std::stoi(request.parameter("resourceVersion"));
    if (version < compacted_) {
        fault("compacted");
        out.whole(410, status(410, "Expired"));
        return;
    }
    out.begin();
    while (!ending_ && !out.closed()) {
        if (misbehave(out, true)) {
            return;
        }
        if (version < compacted_) {
            fault("compacted");
            out.line(event("ERROR", status(410, "Expired")));
            out.end();
            return;
        }
        const auto next = history_.upper_bound(version);
        if (next != history_.end()) {
            out.line(event(next->second.type, next->second.object));
            version = next->first;
        } else if (chance(10)) {
            fault("bookmark");
            out.line(bookmark(version));
        } else {
            changed_.wait(lock);
        }
    }
    out.close();
}

}  // namespace directfaas::kube
