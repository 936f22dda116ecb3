/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* The connection table: keys of both halves, ageing, closing, opening. See maps/connection.h. */
#ifndef DIRECTFAAS_BPF_CONNECTION_H
#define DIRECTFAAS_BPF_CONNECTION_H

#include "bpf/lib/verdict.h"

/* Where a function that calls itself appears to call from: addresses that exist nowhere else
 * (RFC 3927 link-local for IPv4, the RFC 6666 discard prefix for IPv6). */
static __always_inline void self_addr(struct df_addr *addr, int v6)
{
	if (!v6) {
		set_v4(addr, bpf_htonl(0xa9fe2a01)); /* 169.254.42.1 */
		return;
	}
	__u32 *words = (__u32 *)addr->bytes;

	words[0] = bpf_htonl(0x01000000); /* 100::df */
	words[1] = 0;
	words[2] = 0;
	words[3] = bpf_htonl(0xdf);
}

static __always_inline void reverse(struct df_ct_key *to, const struct df_ct_key *key)
{
	to->saddr = key->daddr;
	to->daddr = key->saddr;
	to->sport = key->dport;
	to->dport = key->sport;
	to->ifindex = key->ifindex;
	to->proto = key->proto;
	to->dir = !key->dir;
	to->pad = 0;
}

/* The key of the other half of a connection, at the same veth unless it is DF_CT_FAST: then the
 * half that the other pod's packets meet. */
static __always_inline void other_half(struct df_ct_key *to, const struct df_ct_key *key,
				       const struct df_ct *entry)
{
	reverse(to, key);
	if (entry->role == DF_CT_CALL) {
		to->saddr = entry->nat_addr;
		to->sport = entry->nat_port;
		to->dport = entry->alt_port;
		if (entry->flags & DF_CT_SELF) {
			const __be16 *first = (const __be16 *)key->saddr.bytes;
			const int v4 = !first[0] && !first[1] && !first[2] && !first[3] &&
				       !first[4] && first[5] == 0xffff;

			self_addr(&to->daddr, !v4);
			to->dir = DF_CT_FROM_POD;
		}
		if (entry->flags & DF_CT_FAST) {
			to->ifindex = entry->peer;
			to->dir = DF_CT_FROM_POD;
		}
	} else if (entry->role == DF_CT_ANSWER) {
		to->daddr = entry->nat_addr;
		to->dport = entry->nat_port;
		to->sport = entry->alt_port;
		if (entry->flags & DF_CT_SELF) {
			to->saddr = key->saddr;
			to->dir = DF_CT_FROM_POD;
		}
		if (entry->flags & DF_CT_FAST && key->dir == DF_CT_FROM_POD) {
			to->ifindex = entry->peer;
			to->dir = DF_CT_FROM_POD;
		}
	}
}

/* The ANSWER of a DF_CT_FAST connection that is neither `key`, of `entry`, nor its other half. */
static __always_inline void third_key(struct df_ct_key *to, const struct df_ct_key *key,
				      const struct df_ct_key *other, const struct df_ct *entry)
{
	if (entry->role == DF_CT_CALL) {
		*to = *other;
		to->ifindex = key->ifindex;
	} else {
		*to = *key;
		to->ifindex = entry->peer;
	}
	to->dir =
	    entry->role == DF_CT_CALL || key->dir == DF_CT_FROM_POD ? DF_CT_TO_POD : DF_CT_FROM_POD;
}

static __always_inline struct df_edge_stats *stats_of_edge(__u32 id)
{
	return bpf_map_lookup_elem(&edge_stats, &id);
}

static __always_inline struct df_fn_stats *stats_of_fn(__u32 id)
{
	return bpf_map_lookup_elem(&fn_stats, &id);
}

static __always_inline void add_open(__u32 id, __u64 change)
{
	__u64 *open = id ? bpf_map_lookup_elem(&ep_open, &id) : NULL;

	if (open) {
		__sync_fetch_and_add(open, change);
	}
}

/* Of both halves' `tcp`: nothing more comes but what is sent again. */
static __always_inline int is_over(__u8 one, __u8 other)
{
	return (one | other) & DF_TCP_RST || one & other & DF_TCP_FIN;
}

/* An edge that still allows this connection. Edge 0 never ends one. */
static __always_inline int edge_holds(const struct df_ct *entry)
{
	__u32 id = entry->edge;
	struct df_edge *e = bpf_map_lookup_elem(&edge, &id);

	return e && e->gen == entry->edge_gen;
}

static __always_inline int endpoint_holds(const struct df_ct *entry)
{
	__u32 id = entry->ep;

	if (!id) {
		return 1;
	}
	struct df_ep *e = bpf_map_lookup_elem(&ep, &id);

	return e && e->gen == entry->ep_gen && e->state != DF_EP_FREE;
}

/* The clock is read when jiffies have moved on far enough, not for every packet. */
static __always_inline void touch(struct df_ct *entry)
{
	const __u32 tick = bpf_jiffies64() / DF_CT_TICK;

	if (entry->tick != tick) {
		entry->tick = tick;
		entry->seen = now_coarse();
	}
}

static __always_inline void count_opened(__u32 function, __u32 edge_id)
{
	struct df_fn_stats *of_fn = stats_of_fn(function);
	struct df_edge_stats *of_edge = edge_id ? stats_of_edge(edge_id) : NULL;

	if (of_fn) {
		of_fn->opened++;
	}
	if (of_edge) {
		of_edge->opened++;
	}
}

static __always_inline void count_bytes(struct __sk_buff *skb, const struct df_ct *entry)
{
	struct df_edge_stats *stats =
	    entry->flags & DF_CT_COUNTED && entry->edge ? stats_of_edge(entry->edge) : NULL;

	if (!stats) {
		return;
	}
	if (entry->role == DF_CT_CALL || entry->role == DF_CT_SERVE) {
		stats->bytes_request += skb->len - ETH_HLEN;
	} else {
		stats->bytes_reply += skb->len - ETH_HLEN;
	}
}

/* Counts the connection of w->key as closed, once: whichever half sees the first FIN or RST. */
__noinline int close_once(__u32 reset)
{
	struct work *w = work();
	struct df_ct *entry = w ? bpf_map_lookup_elem(&ct, &w->key) : NULL;

	if (!entry || entry->closed) {
		return 0;
	}
	entry->closed = 1;
	other_half(&w->other, &w->key, entry);
	struct df_ct *other = bpf_map_lookup_elem(&ct, &w->other);

	if (other) {
		if (other->closed) {
			return 0;
		}
		other->closed = 1;
	}
	if (!(entry->flags & DF_CT_COUNTED)) {
		return 0;
	}
	add_open(entry->ep, -1ULL);
	struct df_edge_stats *stats = entry->edge ? stats_of_edge(entry->edge) : NULL;

	if (!stats) {
		return 0;
	}
	if (entry->role == DF_CT_CALL || entry->role == DF_CT_SERVE) {
		stats->closed_caller++;
	} else {
		stats->closed_callee++;
	}
	stats->reset += reset;
	return 0;
}

/* Has the instance answered with a SYN-ACK? `entry` is the caller's half. */
static __always_inline int answered(const struct packet *p, const struct df_ct *entry)
{
	struct work *w = work();

	if (!w) {
		return 1;
	}
	other_half(&w->other, &p->key, entry);
	struct df_ct *answer = bpf_map_lookup_elem(&ct, &w->other);

	return answer && answer->tcp & DF_TCP_ESTABLISHED;
}

/* Follows what TCP says in this entry's direction.
 * An instance that still remembers the last connection of these ports (TIME-WAIT) may answer a SYN
 * with a bare ACK; the caller resets that and sends its SYN again (RFC 9293 §3.5.2, §3.6.1). None
 * of this opens or ends anything: it is one connection. */
static __always_inline void follow_tcp(const struct packet *p, struct df_ct *entry)
{
	const int answers = entry->role == DF_CT_ANSWER || entry->role == DF_CT_REPLY;
	const int open = entry->tcp & DF_TCP_ESTABLISHED;

	if (likely(!(p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)))) {
		if (unlikely(!open && !answers)) {
			entry->tcp |= DF_TCP_ESTABLISHED;
		}
		return;
	}
	if (p->tcp_flags & TCP_SYN) {
		entry->tcp |= answers ? DF_TCP_SYN | DF_TCP_ESTABLISHED : DF_TCP_SYN;
		return;
	}
	if (p->tcp_flags & TCP_RST && !answers && !open && !answered(p, entry)) {
		return;
	}
	entry->tcp |= p->tcp_flags & TCP_RST ? DF_TCP_RST : DF_TCP_FIN;
	struct work *w = entry->closed ? NULL : work();

	if (w) {
		w->key = p->key;
		close_once(p->tcp_flags & TCP_RST ? 1 : 0);
	}
}

/* Removes all there is of the connection of w->key. */
__noinline int forget(void)
{
	struct work *w = work();
	struct df_ct *entry = w ? bpf_map_lookup_elem(&ct, &w->key) : NULL;

	if (!entry) {
		return 0;
	}
	if (!entry->closed && entry->flags & DF_CT_COUNTED) {
		add_open(entry->ep, -1ULL);
	}
	other_half(&w->other, &w->key, entry);
	if (entry->flags & DF_CT_FAST) {
		third_key(&w->third, &w->key, &w->other, entry);
		bpf_map_delete_elem(&ct, &w->third);
	}
	bpf_map_delete_elem(&ct, &w->other);
	bpf_map_delete_elem(&ct, &w->key);
	return 0;
}

static __always_inline int take_token(struct df_budget *b, const struct df_config *cfg, __u64 now)
{
	const __u64 elapsed = now - b->refilled;
	const __u64 counted = elapsed > NSEC_PER_SEC ? NSEC_PER_SEC : elapsed;
	const __u64 more = counted * cfg->budget_rate / NSEC_PER_SEC;
	const __u64 tokens = b->tokens + more;

	if (more) {
		b->tokens = tokens > cfg->budget_burst ? cfg->budget_burst : tokens;
		b->refilled = now;
	}
	if (!b->tokens) {
		return 0;
	}
	b->tokens--;
	return 1;
}

/* May the pod behind `ifindex` open (DF_CT_FROM_POD) or accept one more connection? Two buckets a
 * veth, so that a flood from outside does not keep it from calling. */
static __always_inline int within_budget(__u32 ifindex, __u32 dir)
{
	__u32 id = ifindex << 1 | dir;
	struct df_config *cfg = settings();

	if (!cfg || (!cfg->budget_rate && !cfg->budget_live)) {
		return 1;
	}
	struct df_budget *b = bpf_map_lookup_elem(&budget, &id);
	const __u64 now = now_coarse();

	if (!b) {
		struct df_budget fresh = {now, cfg->budget_burst ? cfg->budget_burst - 1 : 0, 1};

		bpf_map_update_elem(&budget, &id, &fresh, BPF_NOEXIST);
		return 1;
	}
	if (cfg->budget_live && b->live >= cfg->budget_live) {
		return 0;
	}
	if (cfg->budget_rate && !take_token(b, cfg, now)) {
		return 0;
	}
	b->live++;
	return 1;
}

#endif
