// SPDX-License-Identifier: Apache-2.0
#include "bench/private_world.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace directfaas::bench {

using util::fail_errno;

util::Result<void> enter_private_world() {
    if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) {
        return fail_errno("make namespaces (root is needed)");
    }
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return fail_errno("make mounts private");
    }
    if (mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0 ||
        mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") != 0) {
        return fail_errno("mount file systems of our own");
    }
    if (mkdir("/run/netns", 0755) != 0 || mkdir("/run/tmp", 0700) != 0 ||
        setenv("TMPDIR", "/run/tmp", 1) != 0) {
        return fail_errno("prepare /run");
    }
    return {};
}

util::Result<void> take_cpu(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0) {
        return fail_errno("bind to CPU " + std::to_string(cpu));
    }
    constexpr int kBeforeOthers = -20;
    if (setpriority(PRIO_PROCESS, 0, kBeforeOthers) != 0) {
        return fail_errno("raise the priority");
    }
    return {};
}

int measured_cpu() { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) - 1; }

}  // namespace directfaas::bench
