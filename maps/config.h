/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Settings of the node. `config` (array of one) may change at run time and is read on slow paths
 * only; what the per-packet path needs is read-only data, set once at load (struct df_rodata). */
#ifndef DIRECTFAAS_MAPS_CONFIG_H
#define DIRECTFAAS_MAPS_CONFIG_H

#include "abi.h"

/* Part of the pin path; raised with any change in maps/. An agent goes on with the rules and
 * connections of another layout if every table of them has kept its name, type and sizes; so what
 * would mean something else in the same place needs another name or size. */
#ifndef DF_LAYOUT_VERSION
#define DF_LAYOUT_VERSION 1
#endif
#define DF_POD_NETWORKS 8

struct df_prefix {
	struct df_addr addr; /* host bits zero */
	struct df_addr mask;
};
static_assert(sizeof(struct df_prefix) == 2 * 16, "hole");

enum df_config_flags {
	DF_CONFIG_DENY_SILENTLY = 1 << 0, /* drop denied calls instead of refusing them */
	DF_CONFIG_TRACE = 1 << 1,	  /* an observer wants events of allowed connections too */
	DF_CONFIG_DRAIN = 1 << 2,	  /* uninstalling: leave new connections to the stack */
	DF_CONFIG_STACK = 1 << 3,	  /* no fast path for new connections */
	DF_CONFIG_TUNNELLED = 1 << 4,	  /* no pod's packet comes in by the uplink as it is */
};
struct df_config {
	__u32 flags;	    /* enum df_config_flags */
	__u32 mark_replay;  /* skb->mark of a packet the agent sends again; random per instance */
	__u32 mark_refuse;  /* ... of one the agent gives up: refuse it on its own path */
	__u32 event_rate;   /* denial events per second and CPU */
	__u32 budget_rate;  /* new connections per second and pod; 0: unlimited */
	__u32 budget_burst; /* ... that may come at once */
	__u32 budget_live;  /* entries of one pod; 0: unlimited */
	__u32 pod_network_count;
	struct df_prefix
	    pod_networks[DF_POD_NETWORKS]; /* where an unknown source may be a new pod */
};
static_assert(sizeof(struct df_config) == 8 * 4 + DF_POD_NETWORKS * 32, "hole");

/* Read-only data of each program. */
struct df_rodata {
	__u32 coarse_clock; /* 1: bpf_ktime_get_coarse_ns exists (5.11) */
	__u32 reserved;
};
static_assert(sizeof(struct df_rodata) == 2 * 4, "hole");

/* Idle times after which the sweep removes an entry, ns (D8). */
#define DF_IDLE_SYN_NS (20ULL * 1000000000)
#define DF_IDLE_FIN_NS (30ULL * 1000000000)
#define DF_IDLE_RST_NS (10ULL * 1000000000)
#define DF_IDLE_TCP_NS (3600ULL * 1000000000)
#define DF_IDLE_UDP_NS (60ULL * 1000000000)
#define DF_IDLE_ICMP_NS (5ULL * 1000000000)

#endif
