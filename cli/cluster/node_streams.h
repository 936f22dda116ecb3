// SPDX-License-Identifier: Apache-2.0
// What comes from all agents at once: one `kubectl exec` for each, until it is enough.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/cluster.h"

namespace directfaas::cli {

/// Streams of all agents, and who of them has ended. Borrows the session.
class NodeStreams {
   public:
    struct Object {
        std::size_t number;  // of the agent
        Json value;
    };

    /// Those that answer at all; the others are told at once, and are in trouble from the start.
    static std::expected<NodeStreams, Failure> open(Session& session,
                                                    const std::vector<std::string>& words);
    NodeStreams(Session& session, std::vector<AgentPod> agents,
                const std::vector<std::string>& words);

    /// The next object of any node. Nothing at the deadline, if no node is left, or if nobody
    /// wants it any more.
    std::optional<Object> next(std::optional<std::chrono::steady_clock::time_point> deadline);
    [[nodiscard]] bool unwanted() const;

    [[nodiscard]] const AgentPod& agent(std::size_t number) const { return agents_[number]; }
    [[nodiscard]] std::size_t size() const { return agents_.size(); }
    /// Whether it gives nothing any more, and whether that is a failure.
    [[nodiscard]] bool is_over(std::size_t number) const { return failures_[number].has_value(); }
    [[nodiscard]] bool has_failed(std::size_t number) const {
        return failures_[number] && failures_[number]->exit != kExitFine;
    }
    [[nodiscard]] bool all_over() const;
    /// Takes a node out that says nothing any more.
    void give_up(std::size_t number, const std::string& why);

    /// Tells who failed, and gives the exit status. `as_asked`: a stream that has told all that it
    /// was asked for is no failure.
    int end(bool as_asked);

   private:
    void ended(std::size_t number, const Ran& ran);

    Session& session_;
    std::vector<AgentPod> agents_;
    std::vector<std::optional<Failure>> failures_;  // why, or that, it gives no more
    std::map<std::size_t, std::string> partial_;    // lines that are no object of the stream
    Streams streams_;
};

}  // namespace directfaas::cli
