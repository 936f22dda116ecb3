// SPDX-License-Identifier: Apache-2.0
// All tables of one instance, typed. Opened from their pins once the programs are loaded.
#pragma once

#include <vector>

#include "agent/backend/ebpf/bpf_map.h"
#include "agent/backend/ebpf/pins.h"
#include "maps/config.h"
#include "maps/connection.h"
#include "maps/counters.h"
#include "maps/identity.h"
#include "maps/policy.h"
#include "maps/route.h"

namespace directfaas::backend::ebpf {

/// Descriptors only: cheap to use, safe to read from any thread.
struct Tables {
    BpfMap<std::uint32_t, df_config> config;
    BpfMap<std::uint32_t, df_fn> fn;
    BpfMap<std::uint32_t, df_veth> veth;
    BpfMap<std::uint32_t, df_pod_name> pod_name;
    BpfMap<df_addr, df_ip_id> ip_id;
    BpfMap<df_addr, std::uint32_t> local_addr;
    BpfMap<df_fn_port_key, df_fn_port> fn_port;
    BpfMap<df_vip_key, df_vip> vip;
    BpfMap<df_slot_key, std::uint32_t> slots;
    BpfMap<std::uint32_t, df_ep> ep;
    BpfMap<df_affinity_key, df_affinity> affinity;
    BpfMap<std::uint32_t, std::uint64_t> ep_open;
    BpfMap<df_allow_key, df_allow> allow;
    BpfMap<std::uint32_t, df_edge> edge;
    BpfMap<df_ct_key, df_ct> ct;
    BpfMap<df_frag_key, df_frag> frag;
    BpfMap<df_ct_key, std::uint64_t> kept;
    BpfMap<std::uint32_t, df_budget> budget;
    PerCpuMap<std::uint32_t, df_edge_stats> edge_stats;
    PerCpuMap<std::uint32_t, df_fn_stats> fn_stats;
    PerCpuMap<std::uint32_t, df_drop> drops;
    PerCpuMap<df_denied_key, std::uint64_t> denied;
    PerCpuMap<std::uint32_t, std::uint64_t> ring_lost;
    RawMap events;
    RawMap held;

    static util::Result<Tables> open(const Pins& pins);

    /// Each of them, for figures about size.
    [[nodiscard]] std::vector<const RawMap*> all() const;
};

/// Key of the only entry of `config`.
inline constexpr std::uint32_t kOnly = 0;

}  // namespace directfaas::backend::ebpf
