// SPDX-License-Identifier: Apache-2.0
// `dfctl observe`: the events the agent remembers, or with -f those that come.
#include <unistd.h>

#include "cli/render/render.h"
#include "cli/session.h"

namespace directfaas::cli {
namespace {

Json request(const ObserveCommand& command) {
    Json object{{"command", "observe"}, {"follow", command.follow}};
    const auto filter = [&object](const char* key, const std::string& text) {
        if (!text.empty()) {
            object[key] = text;
        }
    };
    filter("verdict", command.verdict);
    filter("reason", command.reason);
    filter("from", command.from);
    filter("to", command.to);
    if (command.limit) {
        object["limit"] = *command.limit;
    }
    return object;
}

int remembered(Conversation& conversation, Session& session) {
    return session.show(conversation.answer(session.world().patience),
                        [&session](const Json& answer) {
                            EventLines lines(session.style());
                            for (const auto& event : list_at(answer, "events")) {
                                session.print_line(event, lines.render(event));
                            }
                            return kExitFine;
                        });
}

int follow(Conversation& conversation, const ObserveCommand& command, Session& session) {
    if (const auto registered = conversation.answer(session.world().patience); !registered) {
        return session.fail(registered.error());
    }
    auto& out = session.world().out;
    const Watch watch{out.fd(), command.end_with_input ? STDIN_FILENO : -1};
    const auto limit = command.limit;
    EventLines lines(session.style());
    for (std::uint64_t seen = 0; !out.closed() && (!limit || seen < *limit); ++seen) {
        const auto event = conversation.next(std::nullopt, watch);
        if (!event) {
            return event.error().exit == kExitFine ? kExitFine : session.fail(event.error());
        }
        if (!*event) {
            return session.fail({kExitNoAgent, "the agent closed the connection",
                                 "if it is restarted, run the command again", "", false});
        }
        session.print_line(**event, lines.render(**event));
    }
    return session.end(kExitFine);
}

}  // namespace

int observe(const ObserveCommand& command, Session& session) {
    const auto target = session.target();
    if (!target) {
        return session.fail(target.error());
    }
    auto conversation = Conversation::start(*target, request(command));
    if (!conversation) {
        return session.fail(conversation.error());
    }
    return command.follow ? follow(*conversation, command, session)
                          : remembered(*conversation, session);
}

}  // namespace directfaas::cli
