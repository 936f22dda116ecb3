/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* What the slow path works on. It lives in a per-CPU map, not on the stack, for two reasons: the
 * stack of a call chain is 512 bytes, and a function that takes nothing but the context and
 * numbers is verified once, by itself, on every kernel since 5.10. */
#ifndef DIRECTFAAS_BPF_WORK_H
#define DIRECTFAAS_BPF_WORK_H

#include "bpf/lib/packet.h"
#include "bpf/lib/report.h"

/* A call as far as it is judged. */
struct call {
	__u32 from; /* identities */
	__u32 to;
	__u32 edge;
	__u32 edge_gen;
	__u32 ep;
	__u32 ep_gen;
	struct df_addr eaddr; /* chosen instance */
	__be16 eport;
	__be16 alt_port; /* source port on the wire */
	__u8 flags;	 /* enum df_ct_flags */
	__u8 replayed;	 /* the agent sent this packet: judge it, but do not hold it again */
	__u8 give_up;	 /* the agent sent this packet to be refused */
	__u8 audited;	 /* passed only because of Audit */
	__u32 peer;	 /* fast path: host-side ifindex of the chosen instance, else 0 */
	__u8 fast;	 /* flags of the chosen instance */
	__u8 own_mac[6]; /* fast path: of the caller's pod, and of the instance's */
	__u8 peer_mac[6];
};

/* Headers quoted by an ICMP error. */
struct quote {
	struct df_ct_key key; /* tuple of the quoted packet */
	__u16 l3;	      /* offsets of its headers in this frame */
	__u16 l4;
};

struct work {
	struct packet p;
	struct call c;
	struct df_vip route;	/* the vIP being called */
	struct df_addr to;	/* argument of rewrite_any() and remember_fragment() */
	struct df_ct_key key;	/* argument of forget() and close_once() */
	struct df_ct_key other; /* key of its other half */
	struct df_ct_key third; /* ... and of the third, see DF_CT_FAST */
	struct df_ct entry;	/* entry being built */
	struct quote q;
};

TABLE(work_area, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct work, 1, 0);

static __always_inline struct work *work(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&work_area, &zero);
}

/* Verdicts that only pass between functions of one program; above every TC_ACT_*. */
#define CONTINUE 0x100 /* the packet belongs to the connection that is now in the table */

#endif
