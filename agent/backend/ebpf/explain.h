// SPDX-License-Identifier: Apache-2.0
// The map entries behind one edge, as text, for `dfctl explain`.
#pragma once

#include <string>
#include <vector>

#include "agent/backend/ebpf/fast_path.h"
#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/sweep.h"
#include "agent/backend/ebpf/tables.h"
#include "lib/model/rules.h"

namespace directfaas::backend::ebpf {

/// Where the answers are.
struct Installed {
    const Tables& tables;
    const Identities& identities;
    const OpenCounts& open_counts;
    const FastPath& fast_path;
};

/// One line per entry, read from the kernel now; a missing entry has a line that says so.
std::vector<std::string> installed_entries(const Installed& installed, const model::AllowKey& edge,
                                           const std::vector<model::RouteKey>& routes);

}  // namespace directfaas::backend::ebpf
