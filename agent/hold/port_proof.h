// SPDX-License-Identifier: Apache-2.0
// Finds out whether a port is listened on, by connecting to it: ready is not listening.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/model/rules.h"
#include "lib/util/event_loop.h"
#include "lib/util/unique_fd.h"

namespace directfaas::hold {

/// Connects to each endpoint of each route in turn until one answers. A proven connection is reset
/// at once, so that the instance has nothing to clean up.
class PortProof {
   public:
    struct Options {
        std::chrono::milliseconds period;   // between two tries of one endpoint, at least
        std::size_t per_second = 0;         // tries of all endpoints together, about; not 0
        std::chrono::milliseconds timeout;  // of one try
        std::size_t max_at_once = 0;        // tries; the others wait their turn, in order
    };
    /// May be called from inside prove(). Endpoints are tried until the route is stopped.
    using Proven = std::function<void(const model::RouteKey&, const model::RouteEndpoint&)>;

    PortProof(util::EventLoop& loop, Options options, Proven proven);
    PortProof(const PortProof&) = delete;
    PortProof& operator=(const PortProof&) = delete;
    ~PortProof();

    /// From now on tries exactly these endpoints for the route.
    void prove(const model::RouteKey& route, const std::vector<model::RouteEndpoint>& endpoints);
    void stop(const model::RouteKey& route);

    /// "10.1.0.3:9080: Connection refused": why the last try of a route failed, empty if none did.
    [[nodiscard]] std::string failure(const model::RouteKey& route) const;

    /// Tries since start.
    [[nodiscard]] std::uint64_t attempts() const { return attempts_; }
    /// Tries under way.
    [[nodiscard]] std::size_t connecting() const { return connecting_; }

   private:
    using Target = std::pair<model::RouteKey, model::RouteEndpoint>;
    struct Probe {
        util::UniqueFd socket;               // valid while a try is under way
        util::EventLoop::TimerId timer = 0;  // the try's end, or the next one's begin
        bool waits_for_turn = false;
        int error = 0;  // errno of the last try
    };
    using Probes = std::map<Target, Probe>;

    void line_up(const Target& target);
    void start_due();
    void start(const Target& target, Probe& probe);
    void answered(const Target& target);
    void ended(const Target& target, int error);
    void rest(const Target& target, Probe& probe);
    [[nodiscard]] std::chrono::nanoseconds pause() const;
    void close(Probe& probe);
    Probes::iterator erase(Probes::iterator at);

    util::EventLoop& loop_;
    Options options_;
    Proven proven_;
    Probes probes_;
    std::deque<Target> turn_;  // may name targets that are gone
    std::size_t connecting_ = 0;
    std::uint64_t attempts_ = 0;
};

}  // namespace directfaas::hold
