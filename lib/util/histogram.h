// SPDX-License-Identifier: Apache-2.0
// Quantiles of histograms whose buckets are powers of two.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace directfaas::util {

/// Value below which a share (0 to 1) of what was counted stayed, linear within a bucket. Bucket i
/// counts values below 2^i that are in none before it; the last one also counts all above. Nothing
/// if nothing was counted. Buckets of several histograms may be added up before.
std::optional<double> log2_quantile(const std::vector<std::uint64_t>& buckets, double share);

}  // namespace directfaas::util
