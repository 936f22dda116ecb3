// SPDX-License-Identifier: Apache-2.0
// When to stop although nothing is wrong: nobody reads the output any more, or whoever started us
// is gone, which shows in a pipe on standard input that has no writer left.
#pragma once

#include <poll.h>

#include <chrono>
#include <utility>

namespace directfaas::cli {

struct Watch {
    int output = -1;  // a descriptor to write to; -1: none
    int input = -1;   // a pipe or socket to read from, which is not read; -1: none

    /// Entries for poll(2). They ask for no event, yet get POLLERR or POLLHUP when it is over.
    [[nodiscard]] std::pair<pollfd, pollfd> poll_entries() const {
        return {{output, 0, 0}, {input, 0, 0}};
    }
};

/// Waits for `time`. False as soon as nobody wants what follows.
bool wait_for(std::chrono::milliseconds time, const Watch& watch);

}  // namespace directfaas::cli
