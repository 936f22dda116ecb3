/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Every map, and nowhere else. The agent pins them, sets capacities before load, and shares one
 * set among the programs; keys and values are in maps/. */
#ifndef DIRECTFAAS_BPF_TABLES_H
#define DIRECTFAAS_BPF_TABLES_H

#include "bpf/lib/abi.h"
#include "maps/config.h"
#include "maps/connection.h"
#include "maps/counters.h"
#include "maps/events.h"
#include "maps/identity.h"
#include "maps/policy.h"
#include "maps/route.h"
#include "maps/verdicts.h"

/* A map with typed key and value. The verifier checks nothing of this; bpftool and BTF do. */
#define TABLE(name, kind, key_type, value_type, entries, flags) \
	struct {                                                \
		__uint(type, kind);                             \
		__type(key, key_type);                          \
		__type(value, value_type);                      \
		__uint(max_entries, entries);                   \
		__uint(map_flags, flags);                       \
	} name SEC(".maps")

#define RING(name, bytes)                           \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, bytes);         \
	} name SEC(".maps")

TABLE(config, BPF_MAP_TYPE_ARRAY, __u32, struct df_config, 1, 0);

TABLE(fn, BPF_MAP_TYPE_ARRAY, __u32, struct df_fn, 16384, 0);
TABLE(veth, BPF_MAP_TYPE_HASH, __u32, struct df_veth, 4096, 0);
TABLE(ip_id, BPF_MAP_TYPE_HASH, struct df_addr, struct df_ip_id, 262144, BPF_F_NO_PREALLOC);
TABLE(fn_port, BPF_MAP_TYPE_HASH, struct df_fn_port_key, struct df_fn_port, 65536,
      BPF_F_NO_PREALLOC);
TABLE(local_addr, BPF_MAP_TYPE_HASH, struct df_addr, __u32, 16384, BPF_F_NO_PREALLOC);

TABLE(vip, BPF_MAP_TYPE_HASH, struct df_vip_key, struct df_vip, 32768, BPF_F_NO_PREALLOC);
TABLE(slots, BPF_MAP_TYPE_HASH, struct df_slot_key, __u32, 262144, BPF_F_NO_PREALLOC);
TABLE(ep, BPF_MAP_TYPE_ARRAY, __u32, struct df_ep, 131072, 0);
TABLE(affinity, BPF_MAP_TYPE_LRU_HASH, struct df_affinity_key, struct df_affinity, 16384, 0);
TABLE(ep_open, BPF_MAP_TYPE_ARRAY, __u32, __u64, 131072, 0);

TABLE(allow, BPF_MAP_TYPE_HASH, struct df_allow_key, struct df_allow, 32768, BPF_F_NO_PREALLOC);
TABLE(edge, BPF_MAP_TYPE_ARRAY, __u32, struct df_edge, 32768, 0);

TABLE(ct, BPF_MAP_TYPE_HASH, struct df_ct_key, struct df_ct, 262144, 0);
TABLE(frag, BPF_MAP_TYPE_LRU_HASH, struct df_frag_key, struct df_frag, 8192, 0);
TABLE(kept, BPF_MAP_TYPE_LRU_HASH, struct df_ct_key, __u64, 16384, 0);
TABLE(budget, BPF_MAP_TYPE_HASH, __u32, struct df_budget, 8192, BPF_F_NO_PREALLOC);

TABLE(edge_stats, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct df_edge_stats, 32768, 0);
TABLE(fn_stats, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct df_fn_stats, 16384, 0);
TABLE(drops, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct df_drop, DF_REASON_MAX *DF_HOOK_MAX, 0);
TABLE(denied, BPF_MAP_TYPE_PERCPU_HASH, struct df_denied_key, __u64, 65536, BPF_F_NO_PREALLOC);
TABLE(ring_lost, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, DF_RING_MAX, 0);
TABLE(event_budget, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct df_budget, 1, 0);

RING(events, 1 << 20);
RING(held, 4 << 20);

/* Set by the agent before load. */
const volatile struct df_rodata node = {};

#endif
