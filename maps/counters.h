/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What is counted. All per CPU, never reset while the identity lives, so that an agent restart is
 * invisible to Prometheus. */
#ifndef DIRECTFAAS_MAPS_COUNTERS_H
#define DIRECTFAAS_MAPS_COUNTERS_H

#include "abi.h"

#define DF_HANDSHAKE_BUCKETS 24 /* bucket i counts times < 2^i microseconds; last: the rest */

/* Map `edge_stats` (per-CPU array by edge id). Counted once, at the caller's end; at the callee's
 * end only for callers outside the chain. */
struct df_edge_stats {
	__u64 opened;	     /* connections, retransmitted SYNs not included */
	__u64 closed_caller; /* first FIN or RST came from the caller */
	__u64 closed_callee; /* ... from the instance */
	__u64 reset;	     /* of those, by RST */
	__u64 bytes_request; /* IP bytes, caller -> instance */
	__u64 bytes_reply;
	__u64 handshake_sum_ns;		       /* SYN -> SYN-ACK, summed */
	__u64 handshake[DF_HANDSHAKE_BUCKETS]; /* connections per log2 bucket */
};
static_assert(sizeof(struct df_edge_stats) == (7 + DF_HANDSHAKE_BUCKETS) * 8, "hole");

/* Map `fn_stats` (per-CPU array by identity of the callee). */
struct df_fn_stats {
	__u64 opened;	   /* connections by vIP, by pod IP and from outside */
	__u64 zero_syn;	   /* first packets that found no ready instance (SYNs, datagrams) */
	__u64 held;	   /* copies handed to the agent, retransmits included */
	__u64 denied;	   /* calls refused for policy */
	__u64 audited;	   /* calls passed only because of Audit */
	__u64 no_endpoint; /* calls refused because no instance was ready */
};
static_assert(sizeof(struct df_fn_stats) == 6 * 8, "hole");

/* Map `drops` (per-CPU array, index reason * DF_HOOK_MAX + hook). */
struct df_drop {
	__u64 packets;
	__u64 bytes;
};
static_assert(sizeof(struct df_drop) == 2 * 8, "hole");

/* Map `denied` (per-CPU hash, not preallocated): which pairs were denied, and why. */
struct df_denied_key {
	__u32 from;
	__u32 to;
	__u32 reason; /* enum df_reason */
};
static_assert(sizeof(struct df_denied_key) == 3 * 4, "hole");

/* Map `ring_lost` (per-CPU array of 2, __u64): records that found a ring buffer full. */
enum df_ring { DF_RING_EVENTS, DF_RING_HELD, DF_RING_MAX };

#endif
