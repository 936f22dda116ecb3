// SPDX-License-Identifier: Apache-2.0
// Loads the BPF programs around one set of pinned tables.
#pragma once

#include <vector>

#include "agent/backend/ebpf/attach.h"
#include "agent/backend/ebpf/bpf_map.h"
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
    util::UniqueFd uplink;  // invalid if no uplink is to be guarded
};

/// Loads all programs. Tables that are pinned already are used as they are; missing ones are made
/// and pinned. Programs are pinned too, for people and tools that look.
util::Result<Programs> load_programs(const Options& options, const Pins& pins, Mechanism mechanism);

/// Logs which tables of an earlier process have another size than the one asked for.
void warn_of_sizes(const Options& options, const std::vector<const RawMap*>& tables);

/// Whether this kernel's programs can read the coarse clock (5.11).
bool has_coarse_clock();

}  // namespace directfaas::backend::ebpf
