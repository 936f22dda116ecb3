/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Later fragments carry no ports (P8): they follow what happened to the first one. */
#ifndef DIRECTFAAS_BPF_FRAGMENT_H
#define DIRECTFAAS_BPF_FRAGMENT_H

#include "bpf/lib/rewrite.h"
#include "bpf/lib/tables.h"

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

/* Call for a first fragment that passes, before it is rewritten. `p` and `to` may be anywhere. */
static __always_inline void remember_fragment(const struct packet *p, const struct df_addr *to,
					      __u32 nat)
{
	struct df_frag_key key;
	struct df_frag value = {};

	fragment_key(&key, p);
	value.nat_addr = *to;
	value.nat = nat;
	bpf_map_update_elem(&frag, &key, &value, BPF_ANY);
}

enum follow {
	FOLLOW_UNKNOWN, /* first part not seen */
	FOLLOW_DONE,
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
	if (!first->nat) {
		return FOLLOW_DONE;
	}
	w->to = first->nat_addr;
	const enum end end = w->p.key.dir == DF_CT_FROM_POD ? END_DESTINATION : END_SOURCE;

	return rewrite_any(skb, end, 0) ? FOLLOW_FAILED : FOLLOW_DONE;
}

#endif
