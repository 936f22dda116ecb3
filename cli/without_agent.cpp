// SPDX-License-Identifier: Apache-2.0
// The two commands that must also work when no agent runs: check and detach --all. Then the
// agent's program does the work itself.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/render/render.h"
#include "cli/session.h"

namespace directfaas::cli {
namespace {

Failure no_program(const util::Error& error) {
    return {kExitNoAgent,
            fmt::format("no agent runs here, and its program cannot be run: {}", error.text()),
            "put directfaas-agent beside dfctl or into PATH", "", false};
}

Answer check_by_program(Session& session) {
    const auto ended = session.world().run_program({"directfaas-agent", "--check", "-o", "json"});
    if (!ended) {
        return std::unexpected(no_program(ended.error()));
    }
    auto found = Json::parse(ended->output, nullptr, false);
    if (!found.is_object() || !found.contains("checks")) {
        return std::unexpected(
            Failure{kExitRefused,
                    fmt::format("`directfaas-agent --check` ended with status {} and no result",
                                ended->exit),
                    "run it by hand to see why", "", false});
    }
    return found;
}

int remove_by_program(Session& session) {
    const auto target = session.target();
    const auto instance = target ? target->instance : session.options().instance;
    if (instance.empty()) {
        return session.fail(
            {kExitUsage, "no agent runs here, so it is not known which instance to remove",
             "add --instance NAME; it is the node's name unless the agent was given another", "",
             false});
    }
    const std::vector<std::string> arguments{"directfaas-agent", "--remove", "--instance",
                                             instance};
    const auto command = printable(fmt::format("{}", fmt::join(arguments, " ")));
    session.note(fmt::format("no agent runs here, so `{}` removes what it left", command));
    const auto ended = session.world().run_program(arguments);
    if (!ended) {
        return session.fail(no_program(ended.error()));
    }
    if (ended->exit != 0) {
        return session.fail({kExitRefused,
                             fmt::format("`{}` ended with status {}", command, ended->exit),
                             "what it printed says why", "", false});
    }
    session.print({{"removed", true}}, ended->output);
    return session.end(kExitFine);
}

}  // namespace

int check(Session& session) {
    auto answer = session.ask_agent({{"command", "check"}});
    if (!answer && answer.error().absent) {
        session.note("no agent runs here, so this is what `directfaas-agent --check` finds");
        answer = check_by_program(session);
    }
    return session.show(answer, [&session](const Json& found) {
        session.print(found, render_check(found, session.style()));
        return check_failed(found) ? kExitNo : kExitFine;
    });
}

int detach_all(std::chrono::milliseconds timeout, Session& session) {
    const auto seconds = std::chrono::duration<double>(timeout).count();
    const auto answer = session.ask_agent(
        {{"command", "detach"}, {"all", true}, {"timeout_seconds", seconds}}, timeout);
    if (!answer && answer.error().absent) {
        return remove_by_program(session);
    }
    return session.show(answer, [&session](const Json& done) {
        const auto left = count_at(done, "open_left");
        session.print(
            done,
            fmt::format("removed: every interface detached, nothing left in the kernel; {}\n",
                        left == 0 ? "all connections had ended"
                                  : plural(left, "connection") + " still open at the time limit"));
        return kExitFine;
    });
}

}  // namespace directfaas::cli
