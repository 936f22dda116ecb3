/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Later fragments carry no ports (P8): they follow what happened to the first one. */
#ifndef DIRECTFAAS_BPF_FRAGMENT_H
#define DIRECTFAAS_BPF_FRAGMENT_H

#include "bpf/lib/fast.h"
#include "bpf/lib/rewrite.h"

static __always_inline void fragment_key(struct df_frag_key *key, const struct packet *p)
{
	key->saddr = p->key.saddr;
	key->daddr = p->key.daddr;
	key->id = p->fragment_id;
	key->ifindex = p->key.ifindex;
	key->proto = p->key.proto;
	key->dir = p->key.dir;
	key->pad = 0;
}

/* Of the packet in the work area. A function, for its stack: 5.10 counts 512 bytes in all. */
__noinline int store_fragment(__u32 nat, __u32 fast)
{
	struct work *w = work();
	struct df_ct *entry = w ? bpf_map_lookup_elem(&ct, &w->p.key) : NULL;
	struct df_frag_key key;
	struct df_frag value = {};

	if (!w || !entry) {
		return 0;
	}
	fragment_key(&key, &w->p);
	if (entry->flags & DF_CT_NAT) {
		value.nat_addr = entry->nat_addr;
		value.nat = nat;
	}
	if (fast) {
		value.peer = entry->peer;
		__builtin_memcpy(value.mac, entry->mac, sizeof(value.mac));
	}
	bpf_map_update_elem(&frag, &key, &value, BPF_ANY);
	return 0;
}

/* Call for a first fragment that passes, before it is rewritten. */
static __always_inline void remember_fragment(const struct packet *p, enum df_frag_nat nat,
					      int fast)
{
	struct work *w = work();

	if (w) {
		w->p = *p;
		store_fragment(nat, fast);
	}
}

enum follow {
	FOLLOW_UNKNOWN, /* first part not seen */
	FOLLOW_DONE,
	FOLLOW_DELIVERED, /* redirected on the fast path */
	FOLLOW_FAILED,
};

/* Does to the later fragment in the work area what was done to the first. */
__noinline int follow_fragment(struct __sk_buff *skb)
{
	struct work *w = work();
	struct df_frag_key key;

	if (!w) {
		return FOLLOW_FAILED;
	}
	fragment_key(&key, &w->p);
	struct df_frag *first = bpf_map_lookup_elem(&frag, &key);

	if (!first) {
		return FOLLOW_UNKNOWN;
	}
	w->to = first->nat_addr;
	if (first->nat &&
	    rewrite_any(skb, first->nat == DF_FRAG_SOURCE ? END_SOURCE : END_DESTINATION, 0)) {
		return FOLLOW_FAILED;
	}
	if (!first->peer) {
		return FOLLOW_DONE;
	}
	return deliver(skb, first->peer, first->mac) == TC_ACT_REDIRECT ? FOLLOW_DELIVERED
									: FOLLOW_FAILED;
}

#endif
