/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Choice of an instance: of two at random, the one with fewer open connections ("the power of two
 * choices", Mitzenmacher 2001); uniform when equal. With affinity, first the client's last one. */
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

/* Of two at random, the one with fewer open connections; of those after a collision, the next. */
static __always_inline __u32 one_of(const struct df_vip *v, __u32 n, __u32 skip)
{
	const __u32 dice = bpf_get_prandom_u32();
	const __u32 a = (dice + skip) % n;
	__u32 id = slot(v, a);

	if (n > 1 && !skip) {
		const __u32 b = (a + 1 + (dice >> 16) % (n - 1)) % n;
		const __u32 other = slot(v, b);

		if (other && id && open_at(other) < open_at(id)) {
			id = other;
		}
	}
	return id;
}

/* The instance that the client's last connection went to, if it was not too long ago and may still
 * be chosen; else 0. */
static __always_inline __u32 last_of_client(const struct work *w, const struct df_affinity_key *key)
{
	const struct df_affinity *last = bpf_map_lookup_elem(&affinity, key);

	if (!last || now_coarse() - last->used > w->route.affinity * 1000000000ULL) {
		return 0;
	}
	const __u32 id = last->ep;
	const struct df_ep *e = bpf_map_lookup_elem(&ep, &id);

	return e && e->state == DF_EP_READY && e->gen == last->ep_gen ? id : 0;
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
	const struct df_affinity_key client = {w->p.key.saddr, w->route.id};
	__u32 id = w->route.affinity && !skip ? last_of_client(w, &client) : 0;

	if (!id) {
		id = one_of(&w->route, n, skip);
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
	if (e->state == DF_EP_FREE || e->vip_id != w->route.id) {
		return 0;
	}
	if (w->route.affinity && !skip) {
		const struct df_affinity last = {now_coarse(), id, w->c.ep_gen};

		bpf_map_update_elem(&affinity, &client, &last, BPF_ANY);
	}
	return 1;
}

#endif
