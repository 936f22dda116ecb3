// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/node_streams.h"

#include <algorithm>

namespace directfaas::cli {

NodeStreams::NodeStreams(Session& session, std::vector<AgentPod> agents,
                         const std::vector<std::string>& words)
    : session_(session), agents_(std::move(agents)), failures_(agents_.size()) {
    for (const auto& agent : agents_) {
        if (agent.trouble.empty()) {
            streams_.start(exec_words(session.options().cluster, agent, words, true));
        } else {
            streams_.start_none(agent.trouble);
        }
    }
}

std::expected<NodeStreams, Failure> NodeStreams::open(Session& session,
                                                      const std::vector<std::string>& words) {
    // A stream in which nothing happens and one that never began look alike: so ask before.
    auto asked = ask_cluster(session, {"version"});
    if (!asked) {
        return std::unexpected(asked.error());
    }
    asked->tell_failures();
    std::vector<AgentPod> agents;
    agents.reserve(asked->all().size());
    for (const auto& [agent, answer] : asked->all()) {
        agents.push_back(agent);
        if (!answer) {
            agents.back().trouble = answer.error().message;
        }
    }
    return std::expected<NodeStreams, Failure>(std::in_place, session, std::move(agents), words);
}

std::optional<NodeStreams::Object> NodeStreams::next(
    std::optional<std::chrono::steady_clock::time_point> deadline) {
    const Watch watch{session_.world().out.fd(), -1};
    while (auto event = streams_.next(deadline, watch)) {
        if (!event->line) {
            ended(event->number, event->ran);
            continue;
        }
        auto value = Json::parse(*event->line, nullptr, false);
        if (value.is_object() && !value.contains("error")) {
            return Object{event->number, std::move(value)};
        }
        partial_[event->number] += *event->line + "\n";
    }
    return std::nullopt;
}

bool NodeStreams::unwanted() const { return streams_.unwanted() || session_.world().out.closed(); }

bool NodeStreams::all_over() const {
    return std::ranges::all_of(failures_, [](const auto& failure) { return failure.has_value(); });
}

void NodeStreams::give_up(std::size_t number, const std::string& why) {
    streams_.stop(number);
    failures_[number] = Failure{kExitNoAgent, why, "", "", false};
}

int NodeStreams::end(bool as_asked) {
    std::vector<NodeAnswer> answers;
    answers.reserve(agents_.size());
    for (std::size_t i = 0; i < agents_.size(); ++i) {
        const bool fine = !failures_[i] || (as_asked && failures_[i]->exit == kExitFine);
        answers.push_back({agents_[i], fine ? std::expected<Json, Failure>(Json::object())
                                            : std::unexpected(*failures_[i])});
    }
    return Asked(session_, std::move(answers)).end(kExitFine);
}

void NodeStreams::ended(std::size_t number, const Ran& ran) {
    if (!agents_[number].trouble.empty()) {
        failures_[number] = {kExitNoAgent, agents_[number].trouble, "", "", false};
    } else if (ran.exit == 0) {
        failures_[number] = {kExitFine, "its stream has ended", "", "", false};
    } else {
        auto whole = ran;
        whole.out = partial_[number] + ran.out;
        const auto answer = answer_of(whole, session_.options().cluster.timeout);
        failures_[number] =
            answer ? Failure{kExitNoAgent, "its stream has ended", "", "", false} : answer.error();
    }
}

}  // namespace directfaas::cli
