// SPDX-License-Identifier: Apache-2.0
// Goes on from what an agent with another layout of the tables left: an upgrade or a downgrade.
#pragma once

#include <bpf/libbpf.h>

#include <optional>

#include "agent/backend/ebpf/pins.h"
#include "lib/util/result.h"

namespace directfaas::backend::ebpf {

/// Whether the map of an object and the table that is pinned as `fd` have the same type and sizes.
util::Result<bool> same_shape(const bpf_map* map, int fd);

/// Whether rules and connections stand in it: then it goes on where its layout allows. Counters and
/// messages, which are per CPU and rings, begin anew with every layout.
bool is_state(const bpf_map* map);

/// The layout whose tables this one goes on with: the newest other one in which every table of
/// `object` that is state has the same shape. Nothing if there is none, or if this layout has
/// tables of its own already.
util::Result<std::optional<Pins>> predecessor(const bpf_object* object, const Pins& pins);

/// Takes over the links of all other layouts, and removes the rest of them. A link runs the program
/// that it had until it is given another. Call it when all tables of this layout are pinned.
///
/// True if there was another layout whose tables this one does not go on with: what runs then knows
/// rules and connections that this process does not.
util::Result<bool> take_over_links(const Pins& pins);

}  // namespace directfaas::backend::ebpf
