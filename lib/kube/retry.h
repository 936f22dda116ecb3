// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "lib/util/backoff.h"

namespace directfaas::kube {

/// How long to wait before an apiserver is asked again: at least as long as it said (Retry-After),
/// and, if it did not answer at all, `unanswered_max` at most, times the jitter.
inline std::chrono::milliseconds wait_before_retry(
    util::Backoff& backoff, bool answered, std::chrono::milliseconds unanswered_max,
    std::optional<std::chrono::seconds> retry_after) {
    return std::max<std::chrono::milliseconds>(
        answered ? backoff.next() : backoff.next_up_to(unanswered_max),
        retry_after.value_or(std::chrono::seconds{0}));
}

}  // namespace directfaas::kube
