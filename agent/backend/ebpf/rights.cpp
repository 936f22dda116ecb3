// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/rights.h"

#include <linux/capability.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <ios>
#include <utility>

namespace directfaas::backend::ebpf {

std::string missing_capabilities() {
    constexpr std::array<std::pair<int, const char*>, 4> kNeeded{{
        {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
        {CAP_NET_RAW, "CAP_NET_RAW"},
        {CAP_PERFMON, "CAP_PERFMON"},
        {CAP_BPF, "CAP_BPF"},
    }};
    std::ifstream status("/proc/thread-self/status");
    std::uint64_t held = 0;
    for (std::string word; status >> word;) {
        if (word == "CapEff:") {
            status >> std::hex >> held;
            break;
        }
    }
    std::string missing;
    for (const auto& [bit, name] : kNeeded) {
        // Before 5.8 CAP_SYS_ADMIN stood for the new ones, and it still does.
        const bool covered = bit >= CAP_PERFMON && (held >> CAP_SYS_ADMIN & 1) != 0;
        if ((held >> bit & 1) == 0 && !covered) {
            missing += std::string(missing.empty() ? "" : ", ") + name;
        }
    }
    return missing;
}

}  // namespace directfaas::backend::ebpf
