// SPDX-License-Identifier: Apache-2.0
#include "cli/conversation.h"

#include <fmt/format.h>

#include "cli/text.h"

namespace directfaas::cli {
namespace {

constexpr const char* kSeeLog = "its log says more: `journalctl -u directfaas-agent`";

Failure closed_early() {
    return {kExitNoAgent, "the agent closed the connection before it answered", kSeeLog, "", false};
}

Failure read_failure(const util::Error& error, Patience patience) {
    switch (error.code) {
        case ETIMEDOUT:
            return {kExitNoAgent,
                    fmt::format("the agent did not answer within {}",
                                duration_text(std::chrono::duration<double>(*patience).count())),
                    kSeeLog, "", false};
        case ECONNRESET:
        case EPIPE:
            return closed_early();
        case ECANCELED:
            return {kExitFine, "nobody reads the output any more", "", "", false};
        case EMSGSIZE:
            return {kExitRefused,
                    fmt::format("the agent's answer is longer than {}", bytes_text(kAnswerLimit)),
                    "", "", false};
        default:
            return {kExitNoAgent, error.text(), "", "", false};
    }
}

Failure not_understood(std::string_view line) {
    constexpr std::size_t kShown = 60;
    return {kExitRefused,
            fmt::format("the answer is not one of directfaas-agent: {}{}",
                        printable(line.substr(0, kShown)), line.size() > kShown ? "..." : ""),
            "is this the socket of directfaas-agent, and of the same release as dfctl?", "", false};
}

Failure refusal(const Json& answer) {
    auto message = text_at(answer, "error");
    return {kExitRefused, message.empty() ? "the agent refused without a reason" : message,
            text_at(answer, "advice"), text_at(answer, "code"), false};
}

}  // namespace

std::expected<Conversation, Failure> Conversation::start(const Target& target,
                                                         const Json& request) {
    auto connection = Connection::open(target.socket);
    if (!connection) {
        return std::unexpected(unreachable(target, connection.error().code));
    }
    auto sent = connection->send_line(request.dump());
    // An agent that turns us away answers before it has read the request; that answer is waiting.
    if (!sent && sent.error().code != EPIPE && sent.error().code != ECONNRESET) {
        return std::unexpected(read_failure(sent.error(), std::nullopt));
    }
    return Conversation(std::move(*connection));
}

std::expected<std::optional<Json>, Failure> Conversation::next(Patience patience,
                                                               const Watch& watch) {
    auto line = connection_.read_line(patience, watch);
    if (!line) {
        return std::unexpected(read_failure(line.error(), patience));
    }
    if (!*line) {
        return std::nullopt;
    }
    auto object = Json::parse(**line, nullptr, false);
    if (!object.is_object()) {
        return std::unexpected(not_understood(**line));
    }
    if (object.contains("ok") && !flag_at(object, "ok")) {
        return std::unexpected(refusal(object));
    }
    return object;
}

std::expected<Json, Failure> Conversation::answer(Patience patience) {
    auto object = next(patience);
    if (!object) {
        return std::unexpected(object.error());
    }
    if (!*object) {
        return std::unexpected(closed_early());
    }
    return std::move(**object);
}

std::expected<Json, Failure> ask(const Target& target, const Json& request, Patience patience) {
    auto conversation = Conversation::start(target, request);
    if (!conversation) {
        return std::unexpected(conversation.error());
    }
    return conversation->answer(patience);
}

}  // namespace directfaas::cli
