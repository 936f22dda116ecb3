// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas top`: each node takes its own readings; their rates are added up.
#include <fmt/format.h>

#include <deque>

#include "cli/cluster/node_streams.h"
#include "cli/screen.h"

namespace directfaas::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Samples of one reading, one of each node that still tells.
class Round {
   public:
    explicit Round(const NodeStreams& streams) : streams_(streams), queues_(streams.size()) {}

    void add(NodeStreams::Object object) {
        queues_[object.number].push_back(std::move(object.value));
    }
    [[nodiscard]] bool waits_for(std::size_t number) const {
        return queues_[number].empty() && !streams_.is_over(number);
    }
    [[nodiscard]] bool complete() const {
        bool some = false;
        for (std::size_t i = 0; i < queues_.size(); ++i) {
            if (waits_for(i)) {
                return false;
            }
            some = some || !queues_[i].empty();
        }
        return some;
    }
    std::vector<FromNode> take() {
        std::vector<FromNode> samples;
        for (std::size_t i = 0; i < queues_.size(); ++i) {
            if (!queues_[i].empty()) {
                samples.push_back({streams_.agent(i).node, std::move(queues_[i].front())});
                queues_[i].pop_front();
            }
        }
        return samples;
    }

   private:
    const NodeStreams& streams_;
    std::vector<std::deque<Json>> queues_;
};

Json names_of(const std::vector<FromNode>& samples) {
    Json names = Json::array();
    for (const auto& sample : samples) {
        names.push_back(sample.node);
    }
    return names;
}

Json silent_nodes(const NodeStreams& streams) {
    Json names = Json::array();
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (streams.has_failed(i)) {
            names.push_back(streams.agent(i).node);
        }
    }
    return names;
}

std::string without(const Json& nodes) {
    std::string text;
    for (const auto& node : nodes) {
        text += fmt::format("without {}, which gives no answer\n", node.get<std::string>());
    }
    return text;
}

std::vector<std::string> words_of(const TopCommand& command) {
    std::vector<std::string> words{"top", "--end-with-input",
                                   fmt::format("--interval={}ms", command.interval.count())};
    if (command.edges) {
        words.emplace_back("--edges");
    }
    if (command.count) {
        words.push_back(fmt::format("--count={}", *command.count));
    }
    return words;
}

/// Readings until there are enough, or nobody gives or wants any. Returns how many were shown.
std::uint64_t show_rounds(const TopCommand& command, NodeStreams& streams, Session& session) {
    Round round(streams);
    Screen screen(session);
    const auto patience = command.interval + session.options().cluster.timeout;
    auto deadline = Clock::now() + patience;
    std::uint64_t shown = 0;
    const auto enough = [&] { return command.count && shown >= *command.count; };
    while (!streams.unwanted() && !streams.all_over() && !enough()) {
        if (auto sample = streams.next(deadline)) {
            round.add(std::move(*sample));
        }
        for (std::size_t i = 0; i < streams.size() && Clock::now() >= deadline; ++i) {
            if (round.waits_for(i)) {
                streams.give_up(i, "it gave no reading in time");
            }
        }
        while (round.complete() && !enough()) {
            const auto samples = round.take();
            auto merged = merged_samples(samples);
            merged["nodes"] = names_of(samples);
            merged["failed"] = silent_nodes(streams);
            screen.show(merged, without(merged["failed"]));
            deadline = Clock::now() + patience;
            ++shown;
        }
    }
    return shown;
}

}  // namespace

int cluster_top(const TopCommand& command, Session& session) {
    auto streams = NodeStreams::open(session, words_of(command));
    if (!streams) {
        return session.fail(streams.error());
    }
    const auto shown = show_rounds(command, *streams, session);
    return streams->end(streams->unwanted() || (command.count && shown >= *command.count));
}

}  // namespace directfaas::cli
