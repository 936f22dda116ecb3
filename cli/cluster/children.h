// SPDX-License-Identifier: Apache-2.0
// Several programs at once: so many at a time, each with its time limit.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/child.h"
#include "cli/watch.h"

namespace directfaas::cli {

struct Ran {
    int exit = -1;
    bool timed_out = false;
    std::string out;
    std::string err;  // or why it could not be started, with exit -1
};

/// Runs all commands, at most `parallel` at a time, each for at most `limit`; in their order.
std::vector<Ran> run_all(const std::vector<std::vector<std::string>>& commands,
                         std::size_t parallel, std::chrono::milliseconds limit);

/// The lines of several programs that run until they are stopped.
class Streams {
   public:
    struct Event {
        std::size_t number = 0;           // of the program
        std::optional<std::string> line;  // without its newline; nothing: the program has ended
        Ran ran;                          // then: how; `out` is what stood behind the last newline
    };

    /// Starts a program with its standard input held open; its number is that of calls before.
    void start(const std::vector<std::string>& words);
    /// A stream that has ended before it began; its number counts like that of others.
    void start_none(const std::string& why);
    /// The next event; nothing at `deadline`, when none is left, or when nobody wants it any more.
    std::optional<Event> next(std::optional<std::chrono::steady_clock::time_point> deadline,
                              const Watch& watch);
    /// Whether nobody wants more, by the `watch` of the last next().
    [[nodiscard]] bool unwanted() const { return unwanted_; }
    /// Ends one; it gives no more events.
    void stop(std::size_t number);

   private:
    struct Stream {
        std::optional<Child> child;
        std::string failure;  // it could not be started
        bool told = false;    // that it has ended
    };
    std::optional<Event> ready();

    std::vector<Stream> streams_;
    std::size_t turn_ = 0;  // who is asked first, so that none is starved
    bool unwanted_ = false;
};

}  // namespace directfaas::cli
