// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.h"

#include <algorithm>
#include <array>

namespace directfaas::cli {

bool wait_for(std::chrono::milliseconds time, const Watch& watch) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        const auto [output, input] = watch.poll_entries();
        std::array<pollfd, 2> waits{output, input};
        const int ended = ::poll(waits.data(), waits.size(),
                                 static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ended > 0) {
            return false;
        }
        if (ended == 0) {
            return true;
        }
    }
}

}  // namespace directfaas::cli
