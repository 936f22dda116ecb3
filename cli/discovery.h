// SPDX-License-Identifier: Apache-2.0
// Which agent is meant: the one named, or the only one there is.
#pragma once

#include <expected>
#include <string>

#include "cli/exit_code.h"
#include "cli/options.h"

namespace directfaas::cli {

inline constexpr const char* kRunDirectory = "/run/directfaas";

/// Where to ask. `instance` is empty when only a socket was named.
struct Target {
    std::string socket;
    std::string instance;
};

/// --socket, else --instance in `run_directory`, else the only socket there. Several: kExitUsage,
/// and the failure lists them; none: kExitNoAgent.
std::expected<Target, Failure> find_agent(const Options& options, const std::string& run_directory);

/// The failure for a connect(2) to `target` that ended with `code`: where dfctl looked, what that
/// means and what to do.
Failure unreachable(const Target& target, int code);

}  // namespace directfaas::cli
