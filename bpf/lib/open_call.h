/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Open the connection in the work area at the caller's veth: both halves, or nothing. */
#ifndef DIRECTFAAS_BPF_OPEN_CALL_H
#define DIRECTFAAS_BPF_OPEN_CALL_H

#include "bpf/lib/choose.h"
#include "bpf/lib/connection.h"
#include "bpf/lib/fast.h"

#define ENDPOINT_TRIES 3
#define PORT_TRIES 4
#define FIRST_OTHER_PORT                                                        \
	32768 /* within the usual ephemeral range, net.ipv4.ip_local_port_range \
	       */
#define OTHER_PORTS 28232
#define OTHER_PORT_STEP 7919
#define EEXIST 17

static __always_inline void build_entry(struct work *w, __u8 role)
{
	struct df_ct *entry = &w->entry;
	const struct call *c = &w->c;

	__builtin_memset(entry, 0, sizeof(*entry));
	entry->role = role;
	entry->flags = c->flags;
	entry->fn = c->to;
	entry->from = c->from;
	entry->edge = c->edge;
	entry->edge_gen = c->edge_gen;
	entry->ep = c->ep;
	entry->ep_gen = c->ep_gen;
	entry->created = bpf_ktime_get_ns();
	entry->seen = now_coarse();
	entry->peer = c->peer;
	entry->fast = c->fast;
	__builtin_memcpy(entry->mac, c->peer_mac, sizeof(entry->mac));
}

/* Of an ANSWER that is replaced at the caller's veth. */
static __always_inline void forget_third(struct work *w, const struct df_ct *old)
{
	if (old->flags & DF_CT_FAST) {
		third_key(&w->third, &w->key, &w->other, old);
		bpf_map_delete_elem(&ct, &w->third);
	}
}

/* An ANSWER that w->key meets: the rest of an older connection of the same caller port to the same
 * vIP, or of one that is over and only waits for the sweep. Then its other half goes, too. */
static __always_inline int may_replace(struct work *w, const struct df_ct *old)
{
	const struct packet *p = &w->p;

	if (old->role != DF_CT_ANSWER) {
		return 0;
	}
	if (old->nat_port == p->key.dport && old->alt_port == p->key.sport &&
	    same_addr(&old->nat_addr, &p->key.daddr)) {
		forget_third(w, old);
		return 1;
	}
	other_half(&w->other, &w->key, old);
	struct df_ct *call = bpf_map_lookup_elem(&ct, &w->other);

	if (call && !is_over(old->tcp, call->tcp)) {
		return 0;
	}
	bpf_map_delete_elem(&ct, &w->other);
	forget_third(w, old);
	return 1;
}

/* The half that packets of the instance will meet. 0 or a negative errno. */
__noinline int insert_answer(void)
{
	struct work *w = work();

	if (!w) {
		return -1;
	}
	const struct packet *p = &w->p;
	struct df_ct_key *key = &w->key;

	reverse(key, &p->key);
	key->saddr = w->c.eaddr;
	key->sport = w->c.eport;
	key->dport = w->c.alt_port;
	if (w->c.flags & DF_CT_SELF) {
		self_addr(&key->daddr, p->v6);
		key->dir = DF_CT_FROM_POD;
	}
	build_entry(w, DF_CT_ANSWER);
	w->entry.nat_addr = p->key.daddr;
	w->entry.nat_port = p->key.dport;
	w->entry.alt_port = p->key.sport;
	const int result = bpf_map_update_elem(&ct, key, &w->entry, BPF_NOEXIST);

	if (result != -EEXIST) {
		return result;
	}
	struct df_ct *old = bpf_map_lookup_elem(&ct, key);

	return old && may_replace(w, old) ? bpf_map_update_elem(&ct, key, &w->entry, BPF_ANY)
					  : result;
}

/* The half that packets of the instance will meet at its own veth. w->key and w->entry are still
 * the caller's ANSWER. 0 or a negative errno. */
__noinline int insert_fast_answer(void)
{
	struct work *w = work();

	if (!w) {
		return -1;
	}
	struct df_ct_key *key = &w->other;

	*key = w->key;
	key->ifindex = w->c.peer;
	key->dir = DF_CT_FROM_POD;
	w->entry.peer = w->p.key.ifindex;
	__builtin_memcpy(w->entry.mac, w->c.own_mac, sizeof(w->entry.mac));
	int result = bpf_map_update_elem(&ct, key, &w->entry, BPF_NOEXIST);

	if (result == -EEXIST) {
		struct df_ct *old = bpf_map_lookup_elem(&ct, key);

		/* What the instance calls itself is in the way, what it answered once is not. */
		if (old && old->role != DF_CT_CALL) {
			result = bpf_map_update_elem(&ct, key, &w->entry, BPF_ANY);
		}
	}
	if (result) {
		bpf_map_delete_elem(&ct, &w->key);
	}
	return result;
}

/* A function that calls itself is met by its own to_pod twice; both must be let in. */
__noinline int insert_self(void)
{
	struct work *w = work();

	if (!w) {
		return -1;
	}
	struct df_ct_key *key = &w->other;

	reverse(key, &w->p.key);
	build_entry(w, DF_CT_SERVE);
	w->entry.flags = 0;
	if (bpf_map_update_elem(&ct, key, &w->entry, BPF_ANY)) {
		return -1;
	}
	self_addr(&key->saddr, w->p.v6);
	key->sport = w->c.alt_port;
	key->dport = w->c.eport;
	return bpf_map_update_elem(&ct, key, &w->entry, BPF_ANY);
}

/* The source port to try after `tries` collisions: far from the ports the pod uses itself now. */
static __always_inline __be16 other_port(__be16 own, int tries)
{
	const __u32 number = bpf_ntohs(own) + tries * OTHER_PORT_STEP;

	return bpf_htons(FIRST_OTHER_PORT + number % OTHER_PORTS);
}

/* Inserts both halves for w->c.eaddr:eport; on a collision tries other source ports when
 * `other_ports` is set. 0, or a reason. */
__noinline int insert_pair(__u32 other_ports)
{
	struct work *w = work();
	int result = -EEXIST;

	if (!w) {
		return DF_REASON_CT_FULL;
	}
	w->c.alt_port = w->p.key.sport;
	for (int i = 0; i < PORT_TRIES; i++) {
		result = insert_answer();
		if (!result && w->c.flags & DF_CT_FAST) {
			result = insert_fast_answer();
		}
		if (result != -EEXIST || !other_ports) {
			break;
		}
		w->c.alt_port = other_port(w->p.key.sport, i + 1);
		w->c.flags |= DF_CT_NAT;
	}
	if (result) {
		return result == -EEXIST ? DF_REASON_TUPLE_COLLISION : DF_REASON_CT_FULL;
	}
	build_entry(w, DF_CT_CALL);
	w->entry.tcp = is_tcp(&w->p) ? DF_TCP_SYN : 0;
	w->entry.nat_addr = w->c.eaddr;
	w->entry.nat_port = w->c.eport;
	w->entry.alt_port = w->c.alt_port;
	result = bpf_map_update_elem(&ct, &w->p.key, &w->entry, BPF_ANY);
	if (!result && w->c.flags & DF_CT_SELF) {
		result = insert_self();
	}
	if (result) {
		bpf_map_delete_elem(&ct, &w->key);
		if (w->c.flags & (DF_CT_SELF | DF_CT_FAST)) { /* else it is of an earlier packet */
			bpf_map_delete_elem(&ct, &w->other);
		}
		bpf_map_delete_elem(&ct, &w->p.key);
		return DF_REASON_CT_FULL;
	}
	return DF_REASON_NONE;
}

/* Chooses an instance of w->route and opens the connection to it. 0, or a reason. */
__noinline int open_to_vip(void)
{
	struct work *w = work();
	int reason = DF_REASON_NO_ENDPOINT;

	if (!w) {
		return reason;
	}
	for (__u32 i = 0; i < ENDPOINT_TRIES; i++) {
		if (!choose(i)) {
			continue;
		}
		w->c.flags = DF_CT_NAT | DF_CT_COUNTED;
		if (same_addr(&w->c.eaddr, &w->p.key.saddr)) {
			w->c.flags |= DF_CT_SELF;
		} else if (w->c.replayed) {
			w->c.flags |= DF_CT_REPLAYED;
		}
		if (fast_pair(w)) {
			w->c.flags |= DF_CT_FAST;
			if (!within_budget(w->c.peer, DF_CT_TO_POD)) {
				return DF_REASON_CT_BUDGET;
			}
		}
		reason = insert_pair(i == ENDPOINT_TRIES - 1 || w->route.count == 1);
		if (reason != DF_REASON_TUPLE_COLLISION) {
			return reason;
		}
	}
	return reason;
}

/* Counts what has just been opened. A replayed TCP call counts when the instance has answered. */
static __always_inline void count_open_call(const struct work *w)
{
	add_open(w->c.ep, 1);
	if (!(w->c.flags & DF_CT_REPLAYED && is_tcp(&w->p))) {
		count_opened(w->c.to, w->c.edge);
	}
}

#endif
