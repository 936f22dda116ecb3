// SPDX-License-Identifier: Apache-2.0
// How every program that dfctl runs is started.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cli {

/// Both ends are closed in programs that are started.
struct Pipe {
    util::UniqueFd reader;
    util::UniqueFd writer;
};
util::Result<Pipe> make_pipe();

inline constexpr int kInherited = -1;

/// Starts `words[0]`, found in PATH unless it has a slash, with the rest. `descriptors` become its
/// standard input, output and error; kInherited: it has ours. The caller reaps it.
util::Result<pid_t> spawn(std::vector<std::string> words, const std::array<int, 3>& descriptors);

/// Of a status of waitpid(2): the exit status, or 128 + the signal that ended it.
int exit_of(int status);

}  // namespace directfaas::cli
