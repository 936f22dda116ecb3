// SPDX-License-Identifier: Apache-2.0
// Loads the BPF programs around one set of pinned tables.
#pragma once

#include "agent/backend/ebpf/attach.h"
#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/pins.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ebpf {

struct Programs {
    util::UniqueFd from_pod;
    util::UniqueFd to_pod;
    util::UniqueFd sweep;
    util::UniqueFd replay;
};

/// Loads all programs. Tables that are pinned already are used as they are, with a warning where
/// their size is not the one asked for; missing ones are made and pinned. Programs are pinned too,
/// for people and tools that look.
util::Result<Programs> load_programs(const Options& options, const Pins& pins, Mechanism mechanism);

/// Whether this kernel's programs can read the coarse clock (5.11).
bool has_coarse_clock();

}  // namespace directfaas::backend::ebpf
