// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/children.h"

#include <poll.h>

#include <algorithm>
#include <list>

namespace directfaas::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Milliseconds until `deadline`, as poll(2) wants them.
int patience(std::optional<Clock::time_point> deadline) {
    if (!deadline) {
        return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3600000));
}

void add_entries(const Child& child, std::vector<pollfd>& entries) {
    entries.push_back({child.out(), POLLIN, 0});
    entries.push_back({child.err(), POLLIN, 0});
    // An output that a grandchild holds open does not keep us: the end of the process is told, too.
    entries.push_back({child.ended(), POLLIN, 0});
}

struct Running {
    std::size_t number;
    Child child;
    Clock::time_point deadline;
};

class Pool {
   public:
    Pool(const std::vector<std::vector<std::string>>& commands, std::size_t parallel,
         std::chrono::milliseconds limit)
        : commands_(commands), parallel_(std::max<std::size_t>(parallel, 1)), limit_(limit) {
        results_.resize(commands.size());
    }

    std::vector<Ran> run() {
        while (next_ < commands_.size() || !running_.empty()) {
            start_more();
            wait();
            std::erase_if(running_, [this](Running& running) { return finished(running); });
        }
        return std::move(results_);
    }

   private:
    void start_more() {
        while (next_ < commands_.size() && running_.size() < parallel_) {
            auto child = Child::start(commands_[next_], false);
            if (child) {
                running_.push_back({next_, std::move(*child), Clock::now() + limit_});
            } else {
                results_[next_].err = child.error().text();
            }
            ++next_;
        }
    }

    void wait() {
        std::vector<pollfd> entries;
        std::optional<Clock::time_point> first;
        for (const auto& running : running_) {
            add_entries(running.child, entries);
            first = std::min(first.value_or(running.deadline), running.deadline);
        }
        if (first) {
            ::poll(entries.data(), entries.size(), patience(first));
        }
    }

    bool finished(Running& running) {
        auto& child = running.child;
        child.take();
        const bool late = Clock::now() >= running.deadline;
        if (!child.exit() && !late) {
            return false;
        }
        child.take();  // what it wrote just before it ended
        results_[running.number] = {child.exit().value_or(-1), !child.exit(),
                                    std::move(child.out_text), std::move(child.err_text)};
        return true;
    }

    const std::vector<std::vector<std::string>>& commands_;
    std::size_t parallel_;
    std::chrono::milliseconds limit_;
    std::vector<Ran> results_;
    std::list<Running> running_;
    std::size_t next_ = 0;
};

}  // namespace

std::vector<Ran> run_all(const std::vector<std::vector<std::string>>& commands,
                         std::size_t parallel, std::chrono::milliseconds limit) {
    return Pool(commands, parallel, limit).run();
}

void Streams::start(const std::vector<std::string>& words) {
    auto child = Child::start(words, true);
    auto& stream = streams_.emplace_back();
    if (child) {
        stream.child.emplace(std::move(*child));
    } else {
        stream.failure = child.error().text();
    }
}

void Streams::start_none(const std::string& why) { streams_.emplace_back().failure = why; }

void Streams::stop(std::size_t number) {
    streams_[number].child.reset();
    streams_[number].told = true;
}

std::optional<Streams::Event> Streams::ready() {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        const auto number = (turn_ + i) % streams_.size();
        auto& stream = streams_[number];
        if (stream.told) {
            continue;
        }
        auto* child = stream.child ? &*stream.child : nullptr;
        if (child != nullptr && child->exit()) {
            child->take();  // what it wrote just before it ended
        }
        const auto end = child == nullptr ? std::string::npos : child->out_text.find('\n');
        if (end != std::string::npos) {
            turn_ = number + 1;
            Event event{number, child->out_text.substr(0, end), {}};
            child->out_text.erase(0, end + 1);
            return event;
        }
        if (child == nullptr || child->exit()) {
            stream.told = true;
            return Event{number, std::nullopt,
                         child == nullptr
                             ? Ran{-1, false, "", stream.failure}
                             : Ran{*child->exit(), false, child->out_text, child->err_text}};
        }
    }
    return std::nullopt;
}

std::optional<Streams::Event> Streams::next(std::optional<Clock::time_point> deadline,
                                            const Watch& watch) {
    while (true) {
        if (auto event = ready()) {
            return event;
        }
        const auto [output, input] = watch.poll_entries();
        std::vector<pollfd> entries{output, input};
        for (const auto& stream : streams_) {
            if (stream.child && !stream.told) {
                add_entries(*stream.child, entries);
            }
        }
        if (entries.size() == 2 || (deadline && Clock::now() >= *deadline)) {
            return std::nullopt;
        }
        ::poll(entries.data(), entries.size(), patience(deadline));
        if (entries[0].revents != 0 || entries[1].revents != 0) {
            unwanted_ = true;
            return std::nullopt;
        }
        for (auto& stream : streams_) {
            if (stream.child && !stream.told) {
                stream.child->take();
            }
        }
    }
}

}  // namespace directfaas::cli
