// SPDX-License-Identifier: Apache-2.0
// Durations by size, in the shape Prometheus wants them.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace directfaas::hold {

/// Counts of durations up to each bound; the last bucket takes the rest. Not cumulative.
struct Histogram {
    static constexpr std::array<double, 16> kBounds{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                                    0.05,   0.1,   0.2,   0.5,   1.0,  2.0,
                                                    5.0,    10.0,  30.0,  60.0};  // seconds

    std::array<std::uint64_t, kBounds.size() + 1> buckets{};
    double sum = 0;  // seconds
    std::uint64_t count = 0;

    void observe(std::chrono::nanoseconds duration) {
        const double seconds = std::chrono::duration<double>(duration).count();
        const auto* const bound = std::ranges::lower_bound(kBounds, seconds);
        ++buckets[static_cast<std::size_t>(bound - kBounds.begin())];
        sum += seconds;
        ++count;
    }
};

}  // namespace directfaas::hold
