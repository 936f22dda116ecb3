// SPDX-License-Identifier: Apache-2.0
// What every command does alike: find the agent and ask it, print in the wanted format, fail.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/agent_program.h"
#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/text.h"

namespace directfaas::cli {

using Answer = std::expected<Json, Failure>;

class Session {
   public:
    /// Borrows both.
    Session(const Options& options, World& world) : options_(options), world_(world) {}

    /// Which agent is meant, without asking it.
    [[nodiscard]] std::expected<Target, Failure> target() const;
    /// One request, one answer. `extra` is added to the usual patience.
    Answer ask_agent(const Json& request, std::chrono::milliseconds extra = {});

    /// `text`, or with -o json `answer` without its "ok".
    void print(Json answer, const std::string& text);
    /// One line for `text`, or with -o json the object on one line.
    void print_line(const Json& object, const std::string& text);
    /// A remark on standard error.
    void note(std::string_view text);
    /// Prints the failure and returns its exit status; with -o json also as an object.
    int fail(const Failure& failure);
    /// The exit status once everything is printed: an answer that could not be written is none.
    int end(ExitCode exit);
    /// Prints what `answered` makes of the answer and returns its exit status, or fails.
    int show(const Answer& answer, const std::function<ExitCode(const Json&)>& answered);

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] World& world() { return world_; }
    [[nodiscard]] const Style& style() const { return world_.out_style; }

   private:
    const Options& options_;
    World& world_;
};

/// `dfctl observe`.
int observe(const ObserveCommand& command, Session& session);
/// `dfctl top`.
int top(const TopCommand& command, Session& session);
/// `dfctl import`.
int import_stack(const ImportCommand& command, Session& session);
/// `dfctl sysdump`.
int sysdump(const SysdumpCommand& command, Session& session);
/// `dfctl check`, by the agent or by its program.
int check(Session& session);
/// `dfctl detach --all`, by the agent or by its program.
int detach_all(std::chrono::milliseconds timeout, Session& session);

}  // namespace directfaas::cli
