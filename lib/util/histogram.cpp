// SPDX-License-Identifier: Apache-2.0
#include "lib/util/histogram.h"

#include <cmath>
#include <numeric>

namespace directfaas::util {

std::optional<double> log2_quantile(const std::vector<std::uint64_t>& buckets, double share) {
    const auto total = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
    if (total == 0) {
        return std::nullopt;
    }
    const double wanted = share * static_cast<double>(total);
    double seen = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        const auto count = static_cast<double>(buckets[i]);
        if (count > 0 && seen + count >= wanted) {
            const double low = i == 0 ? 0 : std::exp2(static_cast<double>(i) - 1);
            const double high = std::exp2(static_cast<double>(i));
            return low + (high - low) * (wanted - seen) / count;
        }
        seen += count;
    }
    return std::exp2(static_cast<double>(buckets.size()) - 1);
}

}  // namespace directfaas::util
