// SPDX-License-Identifier: Apache-2.0
// A child process in a group of its own, with one pipe for all it prints.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::hold {

struct Child {
    pid_t pid = 0;          // also its process group
    util::UniqueFd pidfd;   // readable once it has ended
    util::UniqueFd output;  // its standard output and error; does not block
};

/// How a child ended.
struct ChildEnd {
    bool by_signal = false;
    int code = 0;  // exit status or signal number

    [[nodiscard]] bool ok() const { return !by_signal && code == 0; }
    /// "exit status 3", "signal SIGKILL".
    [[nodiscard]] std::string text() const;
};

/// Starts `arguments[0]` with no descriptor but /dev/null and the pipe, default signals and the
/// agent's environment changed by `extra` ("NAME=value").
util::Result<Child> start_child(const std::vector<std::string>& arguments,
                                const std::vector<std::string>& extra);

/// The end of a child, once; nothing while it runs. Does not block.
std::optional<ChildEnd> collect(const Child& child);

/// Kills the child with its group and collects it.
void kill_child(const Child& child);

/// Signals the child and all it has started in its group. Only before collect() has answered.
void signal_group(const Child& child, int signal);

}  // namespace directfaas::hold
