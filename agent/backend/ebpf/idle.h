// SPDX-License-Identifier: Apache-2.0
// When a connection counts as idle. Only a proposal: bpf/sweep.bpf.c judges both halves again.
#pragma once

#include <chrono>
#include <cstdint>

#include "maps/connection.h"

namespace directfaas::backend::ebpf {

/// How many times to halve the time that half-open and closed TCP connections are kept, given how
/// full the table is. Established ones are never hurried.
unsigned haste(std::uint64_t entries, std::uint64_t capacity);

/// Whether this entry alone has been silent for long enough that its connection may be over.
/// `now` is CLOCK_MONOTONIC.
bool may_be_idle(const df_ct_key& key, const df_ct& entry, std::chrono::nanoseconds now,
                 unsigned haste);

}  // namespace directfaas::backend::ebpf
