// SPDX-License-Identifier: Apache-2.0
#include "bench/private_world.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace directfaas::bench {

using util::fail_errno;

namespace {

/// `thread` 0 is the calling one.
util::Result<void> bind(pid_t thread, const cpu_set_t& set) {
    if (sched_setaffinity(thread, sizeof(set), &set) != 0) {
        return fail_errno("bind to CPUs");
    }
    return {};
}

util::Result<void> take(pid_t thread, const cpu_set_t& set) {
    if (auto bound = bind(thread, set); !bound) {
        return bound;
    }
    const sched_param lowest{.sched_priority = 1};
    if (sched_setscheduler(thread, SCHED_FIFO, &lowest) != 0) {
        return fail_errno("take a real-time priority");
    }
    return {};
}

cpu_set_t only(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return set;
}

cpu_set_t all_but(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int other = 0; other <= measured_cpu(); ++other) {
        if (other != cpu || measured_cpu() == 0) {
            CPU_SET(other, &set);
        }
    }
    return set;
}

}  // namespace

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

util::Result<void> take_cpu(int cpu) { return take(0, only(cpu)); }

util::Result<void> take_cpu(pid_t process, int cpu) {
    std::error_code error;
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(process) + "/task",
                                                      error);
    if (error) {
        return util::fail("threads of process " + std::to_string(process) + ": " + error.message());
    }
    for (const auto& thread : threads) {
        if (auto done = take(std::stoi(thread.path().filename()), only(cpu)); !done) {
            return done;
        }
    }
    return {};
}

util::Result<void> leave_cpu(int cpu) { return take(0, all_but(cpu)); }

util::Result<void> leave_cpu_to_several(int cpu) {
    if (auto bound = bind(0, all_but(cpu)); !bound) {
        return bound;
    }
    if (setpriority(PRIO_PROCESS, 0, -20) != 0) {
        return fail_errno("take the best nice value");
    }
    return {};
}

int measured_cpu() { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) - 1; }

}  // namespace directfaas::bench
