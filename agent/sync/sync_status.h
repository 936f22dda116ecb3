// SPDX-License-Identifier: Apache-2.0
// What the synchronizer tells about itself, as plain values.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace directfaas::sync {

/// Durations of applies and resyncs, by size. Not cumulative; the last bucket takes the rest.
struct DurationHistogram {
    static constexpr std::array<double, 13> kBounds{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                    0.1,    0.2,   0.5,   1.0,   5.0,  10.0};

    std::array<std::uint64_t, kBounds.size() + 1> buckets{};
    double sum = 0;  // seconds
    std::uint64_t count = 0;

    void observe(std::chrono::nanoseconds duration) {
        const double seconds = std::chrono::duration<double>(duration).count();
        const auto bound = std::ranges::lower_bound(kBounds, seconds);
        ++buckets[static_cast<std::size_t>(bound - kBounds.begin())];
        sum += seconds;
        ++count;
    }
};

struct SyncStatus {
    bool started = false;
    bool in_sync = false;  // started, and everything wanted is in force
    std::optional<std::chrono::system_clock::time_point> last_success;  // of a change
    std::string last_error;                                             // empty while in sync
    std::uint64_t applied = 0;                                          // deltas taken whole
    std::uint64_t failed = 0;   // deltas the backend refused, or dumps that failed
    std::uint64_t resyncs = 0;  // full comparisons after a failure
    std::uint64_t drifts = 0;   // periodic comparisons that found a difference
    DurationHistogram duration;
};

}  // namespace directfaas::sync
