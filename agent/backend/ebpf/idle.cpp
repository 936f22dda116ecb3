// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/idle.h"

#include <netinet/in.h>

#include "maps/config.h"

namespace directfaas::backend::ebpf {
namespace {

std::uint64_t limit(const df_ct_key& key, const df_ct& entry, unsigned haste) {
    if (key.proto == IPPROTO_UDP) {
        return DF_IDLE_UDP_NS;
    }
    if (key.proto != IPPROTO_TCP) {
        return DF_IDLE_ICMP_NS;
    }
    if ((entry.tcp & DF_TCP_RST) != 0) {
        return DF_IDLE_RST_NS >> haste;
    }
    if ((entry.tcp & DF_TCP_FIN) != 0) {
        return DF_IDLE_FIN_NS >> haste;
    }
    return (entry.tcp & DF_TCP_ESTABLISHED) != 0 ? DF_IDLE_TCP_NS : DF_IDLE_SYN_NS >> haste;
}

}  // namespace

unsigned haste(std::uint64_t entries, std::uint64_t capacity) {
    if (entries * 4 < capacity) {
        return 0;
    }
    return entries * 2 < capacity ? 2 : 4;
}

bool may_be_idle(const df_ct_key& key, const df_ct& entry, std::chrono::nanoseconds now,
                 unsigned haste) {
    const auto time = static_cast<std::uint64_t>(now.count());
    if ((entry.flags & DF_CT_FAST) != 0 && entry.role == DF_CT_ANSWER && key.dir == DF_CT_TO_POD) {
        // No packet meets it; it goes with the call. It is looked at in case that was lost.
        return time > entry.seen && time - entry.seen >= DF_IDLE_TCP_NS;
    }
    return time > entry.seen && time - entry.seen >= limit(key, entry, haste);
}

}  // namespace directfaas::backend::ebpf
