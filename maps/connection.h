/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The connection table. Each connection has, at each attached end, one entry for what leaves the
 * pod and one for what enters it; a packet of an established connection costs one lookup. */
#ifndef DIRECTFAAS_MAPS_CONNECTION_H
#define DIRECTFAAS_MAPS_CONNECTION_H

#include "abi.h"

/* Map `ct` (hash, preallocated; never evicts: when full, new connections are refused by name).
 * The tuple is the one on the wire at that veth and hook, before this hook changes it. */
enum df_ct_dir { DF_CT_FROM_POD = 0, DF_CT_TO_POD = 1 };
struct df_ct_key {
	struct df_addr saddr;
	struct df_addr daddr;
	__be16 sport;  /* ICMP echo: identifier */
	__be16 dport;  /* ICMP echo: 0 */
	__u32 ifindex; /* host-side veth; a hit proves the source, see docs/datapath.md */
	__u8 proto;
	__u8 dir; /* enum df_ct_dir */
	__u16 pad;
};
static_assert(sizeof(struct df_ct_key) == 16 + 16 + 2 + 2 + 4 + 1 + 1 + 2, "hole");

/* Role of an entry. A caller's veth holds CALL (leaving) and ANSWER (entering); a callee's veth
 * holds SERVE (entering) and REPLY (leaving). On the fast path it holds neither, but a second
 * ANSWER (leaving), the half that packets meet; the caller's own then only keeps the tuple, and
 * is there for when the connection goes over to the stack. */
enum df_ct_role {
	DF_CT_CALL = 1,	  /* caller -> vIP or pod IP; holds the decision */
	DF_CT_ANSWER = 2, /* instance -> caller; un-NAT */
	DF_CT_SERVE = 3,  /* caller -> instance, accepted at the callee's end */
	DF_CT_REPLY = 4,  /* instance -> caller, at the callee's end */
};
enum df_ct_flags {
	DF_CT_NAT = 1 << 0,	 /* address or port is rewritten */
	DF_CT_SELF = 1 << 1,	 /* a function calls itself: the source is rewritten too, and both
				  * CALL and ANSWER are met in from_pod */
	DF_CT_REPLAYED = 1 << 2, /* opened by a replayed packet: swallow a first reset */
	DF_CT_COUNTED = 1 << 3,	 /* opened was counted here, so closed is too */
	DF_CT_FREE = 1 << 4,	 /* egress to what is no function (UDP): only lets replies in */
	DF_CT_FAST = 1 << 5,	 /* both ends are veths of this node: from pod to pod directly */
};
/* TCP as seen by this entry's direction only. */
enum df_ct_tcp {
	DF_TCP_SYN = 1 << 0,
	DF_TCP_ESTABLISHED = 1 << 1, /* ANSWER: SYN-ACK seen; others: first data or ACK */
	DF_TCP_FIN = 1 << 2,
	DF_TCP_RST = 1 << 3,
};
struct df_ct {
	struct df_addr nat_addr; /* CALL: new destination; ANSWER: new source; else unused */
	__be16 nat_port;	 /* CALL: new destination port; ANSWER: new source port */
	__be16 alt_port;	 /* CALL: source port on the wire; ANSWER: the caller's own port */
	__u8 role;		 /* enum df_ct_role */
	__u8 flags;		 /* enum df_ct_flags */
	__u8 tcp;		 /* enum df_ct_tcp, this direction */
	__u8 closed;		 /* 1 once the connection was counted as closed */
	__u32 fn;		 /* callee's identity */
	__u32 from;		 /* caller's identity */
	__u32 edge;		 /* 0: none */
	__u32 edge_gen;
	__u32 ep; /* endpoint id, 0: none (pod-IP call) */
	__u32 ep_gen;
	__u64 created; /* ns, CLOCK_MONOTONIC */
	__u64 seen;    /* ns, CLOCK_MONOTONIC coarse; refreshed when `tick` is another */
	__u32 tick;    /* of jiffies / DF_CT_TICK, when last seen */
	__u32 peer;    /* DF_CT_FAST: host-side ifindex of the other end */
	__u8 mac[6];   /* DF_CT_FAST: of the pod to deliver to */
	__u8 fast;     /* DF_CT_FAST: flags of the instance when the connection opened */
	__u8 pad;
};
static_assert(sizeof(struct df_ct) == 16 + 2 + 2 + 4 + 6 * 4 + 8 + 8 + 4 + 4 + 6 + 2, "hole");

/* Reading a clock is dear, reading jiffies is not: 0.26 s to 2.6 s, as the kernel was built. */
#define DF_CT_TICK 256

/* Map `frag` (LRU hash): what the first fragment of a datagram was translated to. */
struct df_frag_key {
	struct df_addr saddr;
	struct df_addr daddr;
	__u32 id;
	__u32 ifindex;
	__u8 proto;
	__u8 dir;
	__u16 pad;
};
static_assert(sizeof(struct df_frag_key) == 16 + 16 + 4 + 4 + 1 + 1 + 2, "hole");
enum df_frag_nat { DF_FRAG_UNCHANGED, DF_FRAG_SOURCE, DF_FRAG_DESTINATION };
struct df_frag {
	struct df_addr nat_addr; /* new source or destination */
	__u32 nat;		 /* enum df_frag_nat */
	__u32 peer;		 /* as in df_ct; 0: to the stack */
	__u8 mac[6];
	__u16 pad;
};
static_assert(sizeof(struct df_frag) == 16 + 4 + 4 + 6 + 2, "hole");

/* Map `kept` (LRU hash): tuple of a TCP call, as from_pod meets it, that the agent keeps -> when it
 * was given to the agent last (ns, CLOCK_MONOTONIC coarse). Its caller's kernel sends the SYN again
 * by itself: that is the same call, which waits for the agent's copy, however ready an instance is.
 */
#define DF_KEPT_NS (60ULL * 1000000000)

/* Map `budget` (hash): ifindex << 1 | enum df_ct_dir -> what this pod may still open (FROM_POD)
 * or accept (TO_POD). */
struct df_budget {
	__u64 refilled; /* ns, CLOCK_MONOTONIC coarse */
	__u32 tokens;	/* new connections left */
	__u32 live;	/* entries of this pod, corrected by the sweep */
};
static_assert(sizeof(struct df_budget) == 8 + 4 + 4, "hole");

#endif
