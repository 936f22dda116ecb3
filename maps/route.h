/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* vIP -> instances. A new endpoint list is written under generation g + 1, then the one `vip`
 * entry is switched, then generation g is deleted: no reader sees half a list. */
#ifndef DIRECTFAAS_MAPS_ROUTE_H
#define DIRECTFAAS_MAPS_ROUTE_H

#include "abi.h"

/* Map `vip` (hash). */
struct df_vip_key {
	struct df_addr addr;
	__be16 port;
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 pad;
};
static_assert(sizeof(struct df_vip_key) == 16 + 2 + 1 + 1, "hole");
enum df_vip_flags {
	DF_VIP_HOLD = 1 << 0, /* no ready instance: hold instead of refuse */
};
struct df_vip {
	__u32 id;	  /* dense, names the slot lists */
	__u32 fn;	  /* identity of the function */
	__u32 generation; /* the live slot list */
	__u32 count;	  /* ready instances in it */
	__u32 flags;	  /* enum df_vip_flags */
	__u32 affinity;	  /* seconds for which a client keeps its instance; 0: no affinity */
};
static_assert(sizeof(struct df_vip) == 6 * 4, "hole");

/* Map `slots` (hash, not preallocated) -> __u32 endpoint id. */
struct df_slot_key {
	__u32 vip_id;
	__u32 generation;
	__u32 ordinal; /* 0 .. count - 1 */
};
static_assert(sizeof(struct df_slot_key) == 3 * 4, "hole");

/* Map `ep` (array): endpoint id -> one port of one instance. Id 0 is never used. */
enum df_ep_state {
	DF_EP_FREE,	/* gone: connections to it are reset */
	DF_EP_READY,	/* may be chosen */
	DF_EP_DRAINING, /* terminating or not ready: keeps its connections, gets no new ones */
};
enum df_ep_flags {
	DF_EP_FAST =
	    1 << 0,	     /* nothing on the interface would be bypassed by the fast path; when it
			      * ends, connections to it go over to the stack, both directions at
			      * once, and for good: their packets in between are unknown to the
			      * node's own connection tracking, which might call later ones invalid */
	DF_EP_TURN = 1 << 1, /* bits 1 to 7 count how often that has begun */
};
struct df_ep {
	struct df_addr addr;
	__be16 port;
	__u8 state;    /* enum df_ep_state */
	__u8 flags;    /* enum df_ep_flags */
	__u32 gen;     /* raised each time the id is given to another endpoint */
	__u32 vip_id;  /* back reference, for reading back after a restart */
	__u32 ifindex; /* host veth when the instance is attached on this node, else 0 */
};
static_assert(sizeof(struct df_ep) == 16 + 2 + 1 + 1 + 4 + 4 + 4, "hole");

/* Map `affinity` (LRU hash): the instance of a client's last connection to a vIP with affinity. */
struct df_affinity_key {
	struct df_addr client;
	__u32 vip_id;
};
static_assert(sizeof(struct df_affinity_key) == 16 + 4, "hole");
struct df_affinity {
	__u64 used; /* ns, monotonic */
	__u32 ep;
	__u32 ep_gen;
};
static_assert(sizeof(struct df_affinity) == 8 + 4 + 4, "hole");

/* Map `ep_open` (array): endpoint id -> __u64 open connections as this node knows them.
 * Raised and lowered by the programs, corrected by the agent's sweep. */

#endif
