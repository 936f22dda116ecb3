// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas observe`: the decisions of all nodes, each line with its node.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "cli/cluster/node_streams.h"
#include "cli/render/render.h"

namespace directfaas::cli {
namespace {

std::vector<std::string> words_of(const ObserveCommand& command) {
    std::vector<std::string> words{"observe"};
    if (command.follow) {
        words.insert(words.end(), {"--follow", "--end-with-input"});
    }
    for (const auto& [flag, value] :
         {std::pair("--verdict", &command.verdict), std::pair("--reason", &command.reason),
          std::pair("--from", &command.from), std::pair("--to", &command.to)}) {
        if (!value->empty()) {
            words.push_back(fmt::format("{}={}", flag, *value));
        }
    }
    if (command.limit) {
        words.push_back(fmt::format("--limit={}", *command.limit));
    }
    return words;
}

/// An event with its node as first field.
Json with_node(const std::string& node, const Json& event) {
    Json told{{"node", node}};
    for (const auto& [key, value] : event.items()) {
        told[key] = value;
    }
    return told;
}

/// Prints events, each with its node.
class Printer {
   public:
    Printer(Session& session, std::size_t widest)
        : session_(session), lines_(session.style()), widest_(widest) {}

    void print(const std::string& node, const Json& event) {
        session_.print_line(with_node(node, event),
                            fmt::format("{:<{}}  {}", node, widest_, lines_.render(event)));
    }

   private:
    Session& session_;
    EventLines lines_;
    std::size_t widest_;
};

std::size_t widest(const NodeStreams& streams) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < streams.size(); ++i) {
        most = std::max(most, width(streams.agent(i).node));
    }
    return most;
}

/// What the nodes remember, by time; their clocks decide.
int remembered(const ObserveCommand& command, NodeStreams& streams, Session& session) {
    std::multimap<std::string, NodeStreams::Object> events;  // of one time: as they came
    const auto deadline = std::chrono::steady_clock::now() + session.options().cluster.timeout;
    while (auto event = streams.next(deadline)) {
        auto time = text_at(event->value, "time");
        events.emplace(std::move(time), std::move(*event));
    }
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (!streams.is_over(i)) {
            streams.give_up(i, "it did not answer in time");
        }
    }
    while (command.limit && events.size() > *command.limit) {
        events.erase(events.begin());
    }
    Printer printer(session, widest(streams));
    for (const auto& [time, event] : events) {
        printer.print(streams.agent(event.number).node, event.value);
    }
    return streams.end(true);
}

}  // namespace

int cluster_observe(const ObserveCommand& command, Session& session) {
    auto streams = NodeStreams::open(session, words_of(command));
    if (!streams) {
        return session.fail(streams.error());
    }
    if (!command.follow) {
        return remembered(command, *streams, session);
    }
    Printer printer(session, widest(*streams));
    std::uint64_t seen = 0;
    bool enough = false;
    while (!enough && !streams->unwanted()) {
        const auto event = streams->next(std::nullopt);
        if (!event) {
            break;
        }
        printer.print(streams->agent(event->number).node, event->value);
        enough = command.limit && ++seen >= *command.limit;
    }
    return streams->end(enough || streams->unwanted());
}

}  // namespace directfaas::cli
