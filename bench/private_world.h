// SPDX-License-Identifier: Apache-2.0
// Benchmarks leave nothing behind, also when they are killed: namespaces, a bpf file system and
// temporary files of their own go with the process.
#pragma once

#include <sys/types.h>

#include "lib/util/result.h"

namespace directfaas::bench {

/// Gives the process a network namespace and a mount namespace with its own /sys/fs/bpf and /run
/// (temporary files in memory, network namespaces by name). Call before any thread starts; root.
util::Result<void> enter_private_world();

/// Binds the calling thread to one CPU and puts it before all ordinary work of the machine
/// (SCHED_FIFO): what else runs here would be in every percentile.
util::Result<void> take_cpu(int cpu);

/// The same for every thread that a process has now; those it starts later inherit it.
util::Result<void> take_cpu(pid_t process, int cpu);

/// The same for all CPUs but one: for an agent, which inherits it, beside a measuring thread.
util::Result<void> leave_cpu(int cpu);

/// For an agent and a switch, at the best nice value instead of SCHED_FIFO: of two that share a
/// CPU, the busy one would keep the other from running.
util::Result<void> leave_cpu_to_several(int cpu);

/// The CPU for what is measured: the last one, as interrupts tend to be on the first.
int measured_cpu();

}  // namespace directfaas::bench
