// SPDX-License-Identifier: Apache-2.0
// Programs as direct-action filters of a clsact qdisc: the way to attach before kernel 6.6.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/backend/ebpf/pins.h"
#include "lib/util/result.h"

namespace directfaas::backend::ebpf::clsact {

/// Where our filters sit. The handle tells them from those of other instances.
struct Place {
    std::uint32_t handle = 1;
    unsigned priority = 1;
};

/// Makes sure the interface has a clsact qdisc; true if it was added. ENODEV when there is no such
/// interface.
util::Result<bool> add_qdisc(unsigned ifindex);
/// Removes the qdisc if no filter is left on it.
util::Result<void> remove_unused_qdisc(unsigned ifindex);

/// Attaches, or replaces the program in place in one step.
util::Result<void> attach(int program, unsigned ifindex, Hook hook, const Place& place);

struct Filter {
    unsigned priority = 0;
    std::uint32_t handle = 0;
    std::string kind;  // "bpf", "flower" ...
    std::string name;  // of a bpf filter
    std::uint32_t program_id = 0;
};
/// All filters of a hook, in the order of running; empty if there is no clsact qdisc.
std::vector<Filter> filters(unsigned ifindex, Hook hook);

/// No error if it is not there.
util::Result<void> detach(unsigned ifindex, Hook hook, const Place& place);

}  // namespace directfaas::backend::ebpf::clsact
