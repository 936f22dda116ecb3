/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Records the programs send to the agent. Two ring buffers, so that a flood of flow events cannot
 * push out a held packet. */
#ifndef DIRECTFAAS_MAPS_EVENTS_H
#define DIRECTFAAS_MAPS_EVENTS_H

#include "abi.h"

/* Ring `events`: one decision about a flow. Denials are limited per CPU, see df_config. */
struct df_event {
	__u64 time;	      /* ns, CLOCK_MONOTONIC */
	struct df_addr saddr; /* as the packet arrived at the hook */
	struct df_addr daddr;
	struct df_addr eaddr; /* chosen instance, zero if none */
	__be16 sport;
	__be16 dport;
	__be16 eport;
	__u8 proto;
	__u8 verdict; /* enum df_verdict */
	__u16 reason; /* enum df_reason */
	__u16 hook;   /* enum df_hook */
	__u32 from;   /* identity */
	__u32 to;
	__u32 edge;
	__u32 ifindex;
	__u32 length; /* bytes of the frame */
};
static_assert(sizeof(struct df_event) == 8 + 3 * 16 + 3 * 2 + 2 + 2 * 2 + 5 * 4 + 0, "hole");

/* Ring `held`: a packet to keep, or news about one. Frame bytes follow the header. */
#define DF_HELD_SMALL 192 /* every SYN fits */
#define DF_HELD_LARGE 2048
enum df_held_kind {
	DF_HELD_NO_INSTANCE = 1,    /* from_pod: frame follows */
	DF_HELD_UNKNOWN_SOURCE = 2, /* to_pod: frame follows */
	DF_HELD_RESET = 3, /* to_pod: a replayed call was reset by its instance; no frame */
};
struct df_held {
	__u64 time;	      /* ns, CLOCK_MONOTONIC */
	struct df_addr saddr; /* the call: caller, vIP or pod IP, whatever the kind */
	struct df_addr daddr;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 kind; /* enum df_held_kind */
	__u16 len; /* bytes of the frame, Ethernet header included; 0: none */
	__u32 ifindex;
	__u32 from; /* identity */
	__u32 to;   /* identity of the function */
	__u32 reserved;
};
static_assert(sizeof(struct df_held) == 8 + 2 * 16 + 2 * 2 + 1 + 1 + 2 + 4 * 4, "hole");

#endif
