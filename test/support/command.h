// SPDX-License-Identifier: Apache-2.0
// Starts programs, by argument vector and never through a shell.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace directfaas::support {

struct CommandResult {
    int status = -1;     // exit status; 128 + signal if killed
    std::string output;  // standard output and error together
};

struct CommandOptions {
    int netns = -1;       // namespace to run in; -1: the caller's
    std::string input{};  // standard input
};

/// Runs a program to its end.
CommandResult run_command(const std::vector<std::string>& arguments,
                          const CommandOptions& options = {});

/// A set of capabilities, bit by bit as in <linux/capability.h>.
using Capabilities = std::uint64_t;
inline constexpr Capabilities kAllCapabilities = ~0ULL;

/// Starts a program whose output goes to `log` (appended). It dies with the calling thread. Of
/// root's capabilities it gets those in `capabilities`.
pid_t start_program(const std::vector<std::string>& arguments, int netns, const std::string& log,
                    Capabilities capabilities = kAllCapabilities);

/// Waits for a child to end: exit status or 128 + signal; -1 when it still runs after `patience`.
int wait_for_exit(pid_t child, std::chrono::milliseconds patience);

}  // namespace directfaas::support
