// SPDX-License-Identifier: Apache-2.0
// `dfctl top`: asks again and again, and tells what came between two answers.
#include <fmt/format.h>
#include <unistd.h>

#include "cli/rates.h"
#include "cli/render/render.h"
#include "cli/screen.h"
#include "cli/session.h"

namespace directfaas::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Reading {
    Clock::time_point time;
    Json answer;
};

std::expected<Reading, Failure> read(const TopCommand& command, Session& session) {
    const auto asked = Clock::now();
    auto answer = session.ask_agent({{"command", command.edges ? "edges" : "functions"}});
    if (!answer) {
        return std::unexpected(answer.error());
    }
    // Counted at some time between question and answer.
    return Reading{asked + (Clock::now() - asked) / 2, std::move(*answer)};
}

}  // namespace

int top(const TopCommand& command, Session& session) {
    auto& out = session.world().out;
    const Watch watch{out.fd(), command.end_with_input ? STDIN_FILENO : -1};
    Screen screen(session);
    auto before = read(command, session);
    if (!before) {
        return session.fail(before.error());
    }
    auto due = before->time;
    for (std::uint64_t shown = 0; !out.closed() && (!command.count || shown < *command.count);
         ++shown) {
        due = std::max(due + command.interval, Clock::now());
        if (!wait_for(std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()), watch)) {
            break;
        }
        auto after = read(command, session);
        if (!after) {
            return session.fail(after.error());
        }
        const auto seconds = std::chrono::duration<double>(after->time - before->time).count();
        screen.show(rates_between(before->answer, after->answer, seconds));
        before = std::move(after);
    }
    return session.end(kExitFine);
}

}  // namespace directfaas::cli
