/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Choice of an instance: of two at random, the one with fewer open connections ("the power of two
 * choices", Mitzenmacher 2001); uniform when equal. */
#ifndef DIRECTFAAS_BPF_CHOOSE_H
#define DIRECTFAAS_BPF_CHOOSE_H

#include "bpf/lib/verdict.h"

static __always_inline __u32 slot(const struct df_vip *v, __u32 ordinal)
{
	struct df_slot_key key = {v->id, v->generation, ordinal};
	__u32 *id = bpf_map_lookup_elem(&slots, &key);

	return id ? *id : 0;
}

/* Below zero for a moment when a correction by the agent and a closing connection meet. */
static __always_inline __s64 open_at(__u32 id)
{
	const __s64 *open = bpf_map_lookup_elem(&ep_open, &id);

	return open ? *open : 0;
}

/* Chooses among w->route.count instances and fills ep, ep_gen, eaddr, eport of the call. `skip`
 * moves on to others after a collision. 0 when there is none (the list was switched meanwhile). */
__noinline int choose(__u32 skip)
{
	struct work *w = work();
	const __u32 n = w ? w->route.count : 0;

	if (!w || !n) {
		return 0;
	}
	const __u32 dice = bpf_get_prandom_u32();
	const __u32 a = (dice + skip) % n;
	__u32 id = slot(&w->route, a);

	if (n > 1 && !skip) {
		const __u32 b = (a + 1 + (dice >> 16) % (n - 1)) % n;
		const __u32 other = slot(&w->route, b);

		if (other && id && open_at(other) < open_at(id)) {
			id = other;
		}
	}
	struct df_ep *e = id ? bpf_map_lookup_elem(&ep, &id) : NULL;

	if (!e) {
		return 0;
	}
	const __u8 flags = e->flags;

	w->c.ep = id;
	w->c.ep_gen = e->gen;
	w->c.eaddr = e->addr;
	w->c.eport = e->port;
	w->c.peer = flags & DF_EP_FAST ? e->ifindex : 0;
	w->c.fast = flags;
	barrier();
	/* The list may have been switched, and the number freed or given to another vIP. */
	return e->state != DF_EP_FREE && e->vip_id == w->route.id;
}

#endif
