// SPDX-License-Identifier: Apache-2.0
// A request to the agent and its answer, with every way this can fail turned into a sentence.
#pragma once

#include <chrono>
#include <expected>
#include <optional>

#include "cli/connection.h"
#include "cli/discovery.h"
#include "cli/exit_code.h"
#include "cli/fields.h"

namespace directfaas::cli {

using Patience = std::optional<std::chrono::milliseconds>;  // nothing: for ever

class Conversation {
   public:
    /// Connects and sends `request`.
    static std::expected<Conversation, Failure> start(const Target& target, const Json& request);

    /// The next object; nothing once the agent closed properly. {"ok": false} is a Failure.
    /// Nobody left who wants it (see Watch) is a Failure with kExitFine.
    std::expected<std::optional<Json>, Failure> next(Patience patience, const Watch& watch = {});
    /// The one answer of a request that has one.
    std::expected<Json, Failure> answer(Patience patience);

   private:
    explicit Conversation(Connection connection) : connection_(std::move(connection)) {}
    Connection connection_;
};

/// start() and answer() in one.
std::expected<Json, Failure> ask(const Target& target, const Json& request, Patience patience);

}  // namespace directfaas::cli
