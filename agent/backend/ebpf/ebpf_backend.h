// SPDX-License-Identifier: Apache-2.0
// The eBPF backend: rules become entries of pinned maps and programs on the pods' veths. All of it
// outlives the process; only remove() and remove_instance() take it down.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "lib/util/result.h"

namespace directfaas::backend::ebpf {

/// How programs are hooked to an interface. kAuto takes tcx where the kernel has it (6.6).
enum class AttachMode : std::uint8_t { kAuto, kTcx, kClsact };

/// Where the guard of an uplink runs: in the driver, or in the stack, which every device can.
enum class UplinkMode : std::uint8_t { kGeneric, kNative };

struct UplinkOptions {
    std::vector<std::string> devices;  ///< which may come and go
    UplinkMode mode = UplinkMode::kGeneric;
};

/// What is fixed when the switch of an instance is first loaded. The `max_*` are table sizes; an
/// existing table keeps the size it was made with (a warning says so) until the instance is
/// removed. The defaults hold 10 000 functions and 100 000 endpoints in less than 256 MiB of kernel
/// memory on a small machine; `max_edges` and `max_functions` cost 248 and 48 bytes per CPU and
/// entry.
struct Options {
    std::string instance;                  ///< several agents may share one kernel; [A-Za-z0-9._-]
    std::string bpffs = "/sys/fs/bpf";     ///< mounted if it is not yet
    std::uint32_t max_functions = 16384;   ///< functions and entries
    std::uint32_t max_endpoints = 131072;  ///< ports of instances; also pod addresses
    std::uint32_t max_edges = 32768;       ///< allowed pairs
    std::uint32_t max_vips = 32768;        ///< vIP ports
    std::uint32_t max_connections = 262144;  ///< entries: two per connection and attached end
    std::uint32_t max_pods = 4096;           ///< attached on this node
    AttachMode attach = AttachMode::kAuto;
    unsigned tc_priority = 1;  ///< of our filters, where clsact is used
    UplinkOptions uplinks{};
    std::string cgroup = "/sys/fs/cgroup";  ///< for bypasses(): whose programs are looked at
};

/// Loads the programs, or takes over what an earlier process left: maps are reused, programs are
/// replaced in place without a packet missing them, identities and counters go on. Fails if another
/// process serves the same instance.
///
/// Needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_NET_RAW (replay), and CAP_SYS_ADMIN only where
/// bpffs has to be mounted or programs of unknown owners are to be named.
util::Result<std::unique_ptr<Backend>> create(const Options& options);

/// What this node can do, for `dfctl check`. Works without create() and changes nothing lasting.
std::vector<Capability> probe_node(const Options& options);

/// Detaches and removes everything of the instance, whatever layout version made it. Works without
/// a loaded backend and is not an error if there is nothing; fails if an agent serves the instance.
util::Result<void> remove_instance(const Options& options);

}  // namespace directfaas::backend::ebpf
