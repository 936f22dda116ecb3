// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/* What a pod sends (TC ingress of its host-side veth): who it is, whether it may call, which
 * instance it gets, and the rewriting of vIP to eIP. docs/datapath.md walks through it.
 * Functions come bottom up; the program itself is at the end. */
#include "maps/verdicts.h"
#define HOOK DF_HOOK_FROM_POD

#include "bpf/lib/answer.h"
#include "bpf/lib/call.h"
#include "bpf/lib/fragment.h"
#include "bpf/lib/icmp.h"
#include "bpf/lib/parse.h"

/* ---- everything that is not a packet of a known connection -------------------------------- */

/* Sources a pod may use besides its own addresses while it gets one: none at all (DHCP, RFC 2131;
 * duplicate address detection, RFC 4862), link-local. */
static __always_inline int source_exempt(const struct packet *p)
{
	const __u32 *words = (const __u32 *)p->key.saddr.bytes;

	if (p->v6) {
		return (words[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000) ||
		       !(words[0] | words[1] | words[2] | words[3]);
	}
	return words[3] == 0 && p->key.proto == IPPROTO_UDP && p->key.dport == bpf_htons(67);
}

static __always_inline int source_is_own(const struct df_veth *v, const struct packet *p)
{
#pragma unroll
	for (int i = 0; i < DF_VETH_ADDRS; i++) {
		if (i < v->addr_count && same_addr(&v->addrs[i], &p->key.saddr)) {
			return 1;
		}
	}
	return 0;
}

/* An echo reply answers a ping that the pod has received. */
static __always_inline int is_echo_reply(const struct packet *p)
{
	return is_icmp(p) && !p->key.sport;
}

static __always_inline int judge_flow(struct __sk_buff *skb, struct work *w, __u16 veth_flags)
{
	struct df_ip_id *id = identity_of(&w->p.key.daddr);
	struct df_fn *callee = id ? fn_of(id->fn) : NULL;
	struct df_config *cfg = settings();

	if (!callee || callee->kind != DF_FN_FUNCTION) {
		return leave_free(skb);
	}
	w->c.to = id->fn;
	if (is_tcp(&w->p) && !opens_tcp(&w->p)) {
		/* No entry, and not the start of a connection. */
		return id->kind == DF_ADDR_VIP && !(veth_flags & DF_VETH_ADOPTED)
			   ? refuse(skb, DF_REASON_STALE_FLOW)
			   : pass_noted(skb, DF_REASON_MIDFLOW);
	}
	if (!cfg || cfg->flags & DF_CONFIG_DRAIN || is_echo_reply(&w->p)) {
		return VERDICT_NEXT;
	}
	return id->kind == DF_ADDR_VIP ? call_vip(skb) : call_pod(skb);
}

static __always_inline int judge_other(struct __sk_buff *skb, struct work *w, int shape)
{
	struct df_ip_id *id = identity_of(&w->p.key.daddr);
	struct df_fn *callee = id ? fn_of(id->fn) : NULL;
	const int to_function = callee && callee->kind == DF_FN_FUNCTION;
	const int to_vip = to_function && id->kind == DF_ADDR_VIP;

	w->c.to = to_function ? id->fn : 0;
	if (shape == SHAPE_FRAGMENT) {
		const int followed = follow_fragment(skb);

		if (followed == FOLLOW_FAILED) {
			return drop(skb, DF_REASON_REWRITE_FAILED);
		}
		if (followed == FOLLOW_DELIVERED) {
			return TC_ACT_REDIRECT;
		}
		/* Harmless without the first part, unless it needed rewriting. */
		return followed == FOLLOW_UNKNOWN && to_vip ? drop(skb, DF_REASON_FRAGMENT)
							    : VERDICT_NEXT;
	}
	if (shape != SHAPE_ICMP_ERROR) {
		return to_function ? drop(skb, DF_REASON_UNSUPPORTED_PROTO) : VERDICT_NEXT;
	}
	const int translated = translate_from_pod(skb);

	if (translated == TRANSLATED_FAILED) {
		return drop(skb, DF_REASON_REWRITE_FAILED);
	}
	if (translated == TRANSLATED_DELIVERED) {
		return TC_ACT_REDIRECT;
	}
	/* Others are judged where they arrive. */
	return translated == TRANSLATED_NOT_OURS && to_vip ? drop(skb, DF_REASON_STALE_FLOW)
							   : VERDICT_NEXT;
}

/* The agent sends a held packet again, or our own to_pod answers for the pod: then 1. */
static __always_inline int read_mark(struct __sk_buff *skb, struct work *w)
{
	struct df_config *cfg = settings();

	if (!cfg || !skb->mark ||
	    (skb->mark != cfg->mark_replay && skb->mark != cfg->mark_refuse)) {
		return 0;
	}
	w->c.replayed = 1;
	w->c.give_up = skb->mark == cfg->mark_refuse;
	skb->mark = 0;
	return w->p.tcp_flags & TCP_RST || is_icmp(&w->p);
}

/* The packet in the work area has no entry. */
__noinline int unknown(struct __sk_buff *skb, __u32 shape)
{
	struct work *w = work();
	__u32 ifindex = skb->ifindex;
	struct df_veth *v = bpf_map_lookup_elem(&veth, &ifindex);

	if (!w || !v) {
		return VERDICT_NEXT;
	}
	__builtin_memset(&w->c, 0, sizeof(w->c));
	w->c.from = v->fn;
	if (shape == SHAPE_VLAN || skb->vlan_present) {
		return drop(skb, DF_REASON_VLAN);
	}
	if (shape == SHAPE_MALFORMED) {
		return drop(skb, DF_REASON_MALFORMED);
	}
	if (shape == SHAPE_NEIGHBOUR || shape == SHAPE_NOT_IP || read_mark(skb, w)) {
		return VERDICT_NEXT;
	}
	if (!source_is_own(v, &w->p) && !source_exempt(&w->p)) {
		return drop(skb, DF_REASON_SPOOFED);
	}
	return shape == SHAPE_FLOW ? judge_flow(skb, w, v->flags) : judge_other(skb, w, shape);
}

/* ---- a packet whose tuple is in the table -------------------------------------------------- */

/* A SYN meets an entry: is it still that connection? (D8) */
static __always_inline int still_the_same(struct work *w, struct df_ct *entry)
{
	if (entry->role != DF_CT_CALL || !edge_holds(entry)) {
		return 0;
	}
	__u32 id = entry->ep;
	struct df_ep *e = id ? bpf_map_lookup_elem(&ep, &id) : NULL;

	/* An answer to what is sent by the stack now would not be known by its new half. */
	if (entry->flags & DF_CT_FAST && !still_fast(entry, w->p.key.ifindex)) {
		return 0;
	}
	if (id && (!e || e->gen != entry->ep_gen || e->state == DF_EP_FREE)) {
		return 0;
	}
	if (!is_tcp(&w->p)) {
		return 1;
	}
	other_half(&w->other, &w->p.key, entry);
	struct df_ct *answer = bpf_map_lookup_elem(&ct, &w->other);
	const __u8 seen = answer ? answer->tcp : 0;

	if (!answer || is_over(entry->tcp, seen)) {
		return 0;
	}
	return seen & DF_TCP_ESTABLISHED || !e || e->state == DF_EP_READY;
}

/* The packet in the work area opens, was sent again by the agent, or has no entry.
 * CONTINUE: it belongs to the entry now in the table. */
__noinline int slow(struct __sk_buff *skb)
{
	struct work *w = work();

	if (!w) {
		return TC_ACT_SHOT;
	}
	struct df_ct *entry = bpf_map_lookup_elem(&ct, &w->p.key);

	if (entry) {
		if (still_the_same(w, entry)) {
			skb->mark = 0;
			return CONTINUE;
		}
		w->key = w->p.key;
		forget();
	}
	return unknown(skb, SHAPE_FLOW);
}

/* The connection lost its edge or its instance: tell the sender, forget it. */
__noinline int end_connection(struct __sk_buff *skb, __u32 reason)
{
	struct work *w = work();
	struct df_ct *entry = w ? bpf_map_lookup_elem(&ct, &w->p.key) : NULL;

	if (!entry) {
		return TC_ACT_SHOT;
	}
	__builtin_memset(&w->c, 0, sizeof(w->c));
	w->c.from = entry->from;
	w->c.to = entry->fn;
	w->c.edge = entry->edge;
	w->key = w->p.key;
	close_once(1);
	forget();
	return refuse(skb, reason);
}

/* A call of a function to itself never reaches the stack: both ends are swapped, and the packet
 * goes back to the pod. `w->to` and the ports come from the entry. */
__noinline int send_to_self(struct __sk_buff *skb)
{
	struct work *w = work();
	struct df_ct *entry = w ? bpf_map_lookup_elem(&ct, &w->p.key) : NULL;

	if (!entry) {
		return TC_ACT_SHOT;
	}
	const struct df_ct copy = *entry;
	const int call = copy.role == DF_CT_CALL;

	/* Call: own -> vIP becomes self -> eIP. Answer: eIP -> self becomes vIP -> own. */
	if (call) {
		w->to = copy.nat_addr;
	} else {
		w->to = w->p.key.saddr;
	}
	if (rewrite_any(skb, END_DESTINATION, call ? copy.nat_port : copy.alt_port)) {
		return rewrite_failed(skb);
	}
	if (call) {
		self_addr(&w->to, w->p.v6);
	} else {
		w->to = copy.nat_addr;
	}
	if (rewrite_any(skb, END_SOURCE, call ? copy.alt_port : copy.nat_port) || swap_eth(skb)) {
		return rewrite_failed(skb);
	}
	return bpf_redirect(skb->ifindex, 0);
}

/* A caller's packet on its way to the instance: the per-packet path. */
static __always_inline int forward_call(struct __sk_buff *skb, struct packet *p,
					struct df_ct *entry)
{
	const int fast = still_fast(entry, p->key.ifindex);

	if (unlikely(p->fragment == FRAGMENT_FIRST)) {
		remember_fragment(p, DF_FRAG_DESTINATION, fast);
	}
	if (rewrite_flow(skb, p, END_DESTINATION, entry)) {
		return rewrite_failed(skb);
	}
	return fast ? deliver(skb, entry->peer, entry->mac) : VERDICT_NEXT;
}

/* An instance's packet on its way to the caller, on the fast path. */
static __always_inline int forward_answer(struct __sk_buff *skb, struct packet *p,
					  struct df_ct *entry)
{
	if (unlikely(p->fragment == FRAGMENT_FIRST)) {
		remember_fragment(p, DF_FRAG_SOURCE, 1);
	}
	if (rewrite_flow(skb, p, END_SOURCE, entry)) {
		return rewrite_failed(skb);
	}
	return deliver(skb, entry->peer, entry->mac);
}

SEC("tc")
int from_pod(struct __sk_buff *skb)
{
	struct packet p = {};
	const enum shape shape = parse(skb, &p, DF_CT_FROM_POD);
	struct df_ct *entry = shape == SHAPE_FLOW ? bpf_map_lookup_elem(&ct, &p.key) : NULL;
	int gone = entry && entry->role == DF_CT_CALL && !endpoint_holds(entry);

	/* Datagrams may move to another instance, TCP may not. */
	if (unlikely(!entry || opens_tcp(&p) || skb->mark || (gone && !is_tcp(&p)))) {
		struct work *w = work();

		if (!w) {
			return TC_ACT_SHOT;
		}
		w->p = p;
		const int verdict = shape == SHAPE_FLOW ? slow(skb) : unknown(skb, shape);

		if (verdict != CONTINUE) {
			return verdict;
		}
		entry = bpf_map_lookup_elem(&ct, &p.key);
		if (!entry) {
			return drop(skb, DF_REASON_CT_FULL);
		}
		gone = 0;
	}
	const int holds = edge_holds(entry);
	const int answer = entry->role == DF_CT_ANSWER && entry->flags & DF_CT_FAST;
	const int first_answer = answer && is_tcp(&p) && !(entry->tcp & DF_TCP_ESTABLISHED);
	const int reset = first_answer && p.tcp_flags & TCP_RST;

	if (unlikely(!holds || gone || entry->flags & DF_CT_SELF ||
		     (reset && entry->flags & DF_CT_REPLAYED))) {
		struct work *w = work();

		if (!w) {
			return TC_ACT_SHOT;
		}
		w->p = p;
		if (!holds) {
			return end_connection(skb, DF_REASON_EDGE_REVOKED);
		}
		if (gone) {
			return end_connection(skb, DF_REASON_ENDPOINT_GONE);
		}
		if (reset) {
			return swallow_reset(skb);
		}
	}
	touch(entry);
	if (unlikely(first_answer && !reset && p.tcp_flags & TCP_SYN)) {
		established(&p, entry);
	}
	if (is_tcp(&p)) {
		follow_tcp(&p, entry);
	}
	if (unlikely(answer && !still_fast(entry, p.key.ifindex))) {
		return VERDICT_NEXT; /* over to the stack: the caller's to_pod restores the vIP */
	}
	count_bytes(skb, entry);
	if (unlikely(entry->flags & DF_CT_SELF)) {
		return send_to_self(skb);
	}
	if (entry->role == DF_CT_CALL) {
		return forward_call(skb, &p, entry);
	}
	if (answer) {
		return forward_answer(skb, &p, entry);
	}
	if (unlikely(p.fragment == FRAGMENT_FIRST)) {
		remember_fragment(&p, DF_FRAG_UNCHANGED, 0);
	}
	return VERDICT_NEXT;
}

char LICENSE[] SEC("license") = "GPL";
