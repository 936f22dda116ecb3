// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/* What a pod receives (TC egress of its host-side veth): answers get their vIP back, calls are
 * judged once more by the callee's own node. docs/datapath.md walks through it.
 * Functions come bottom up; the program itself is at the end. */
#include "maps/verdicts.h"
#define HOOK DF_HOOK_TO_POD

#include "bpf/lib/answer.h"
#include "bpf/lib/fragment.h"
#include "bpf/lib/hold.h"
#include "bpf/lib/icmp.h"
#include "bpf/lib/open_call.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/policy.h"
#include "bpf/lib/refuse.h"

/* ---- a call arrives (in the work area) ------------------------------------------------------ */

/* The half that the reply will meet. What is there is of an older connection, or of this one, come
 * over from the fast path: that half knows the way to the stack, and back. 0 or a negative errno.
 */
static __always_inline int insert_reply(struct work *w)
{
	const int result = bpf_map_update_elem(&ct, &w->key, &w->entry, BPF_NOEXIST);

	if (result != -EEXIST) {
		return result;
	}
	struct df_ct *old = bpf_map_lookup_elem(&ct, &w->key);

	return old && old->role == DF_CT_ANSWER && old->flags & DF_CT_FAST
		   ? 0
		   : bpf_map_update_elem(&ct, &w->key, &w->entry, BPF_ANY);
}

/* Both halves at the callee's end, so that the reply is known as one. 0, or a reason. */
__noinline int accept_call(void)
{
	struct work *w = work();

	if (!w || !within_budget(w->p.key.ifindex, w->p.key.dir)) {
		return DF_REASON_CT_BUDGET;
	}
	build_entry(w, DF_CT_REPLY);
	reverse(&w->key, &w->p.key);
	if (insert_reply(w)) {
		return DF_REASON_CT_FULL;
	}
	w->entry.role = DF_CT_SERVE;
	w->entry.tcp = is_tcp(&w->p) ? DF_TCP_SYN : 0;
	if (bpf_map_update_elem(&ct, &w->p.key, &w->entry, BPF_ANY)) {
		bpf_map_delete_elem(&ct, &w->key);
		return DF_REASON_CT_FULL;
	}
	if (w->c.flags & DF_CT_COUNTED) {
		count_opened(w->c.to, w->c.edge);
	}
	return DF_REASON_NONE;
}

/* A source in a pod network that nobody has told us about: perhaps a caller that started a moment
 * ago. Kept until the agent knows, or gives up. */
static __always_inline int unknown_source(struct __sk_buff *skb, struct work *w)
{
	if (w->c.give_up) {
		count_denied(DF_REASON_UNKNOWN_SOURCE);
		return refuse(skb, DF_REASON_UNKNOWN_SOURCE);
	}
	if (w->c.replayed) {
		return TC_ACT_SHOT; /* the agent still has it */
	}
	if (!hold(skb, DF_HELD_UNKNOWN_SOURCE)) {
		return drop(skb, DF_REASON_HOLD_FULL);
	}
	count(skb, DF_REASON_HELD_SOURCE);
	emit(skb, DF_REASON_HELD_SOURCE, DF_VERDICT_HOLD);
	return TC_ACT_SHOT;
}

/* A function asks an entry. That is free, but the answer must be known as one at the entry's own
 * hook, where calls to functions are judged. */
static __always_inline int ask_entry(struct work *w)
{
	struct df_ip_id *id = identity_of(&w->p.key.saddr);

	if (id && id->kind == DF_ADDR_POD && (opens_tcp(&w->p) || w->p.key.proto == IPPROTO_UDP)) {
		w->c.from = id->fn;
		w->c.flags = DF_CT_FREE;
		accept_call();
	}
	return VERDICT_NEXT;
}

/* Callers inside a chain were counted at their own end. */
static __always_inline int let_in(struct __sk_buff *skb, struct work *w)
{
	const int outside = w->c.from == DF_IDENTITY_OUTSIDE;

	w->c.flags = outside ? DF_CT_COUNTED : 0;
	const int reason = accept_call();

	if (reason) {
		return drop(skb, reason);
	}
	if (w->c.audited && outside) {
		count(skb, DF_REASON_AUDITED);
		count_denied(DF_REASON_AUDITED);
		emit(skb, DF_REASON_AUDITED, DF_VERDICT_AUDIT);
	}
	return CONTINUE;
}

/* A frame for several, which a bridge gives to all its ports. */
static __always_inline int to_group(struct __sk_buff *skb)
{
	__u8 first;

	return !bpf_skb_load_bytes(skb, 0, &first, sizeof(first)) && first & 1;
}

__noinline int judge_call(struct __sk_buff *skb)
{
	struct work *w = work();
	struct df_config *cfg = settings();

	if (!w || !cfg) {
		return TC_ACT_SHOT;
	}
	struct df_ip_id *id = identity_of(&w->p.key.saddr);

	if (id && id->kind == DF_ADDR_VIP) {
		return drop(skb, DF_REASON_SPOOFED); /* nobody calls from a vIP */
	}
	w->c.from = id ? id->fn : DF_IDENTITY_OUTSIDE;
	if (cfg->flags & DF_CONFIG_DRAIN) {
		return VERDICT_NEXT;
	}
	const int reason = judge_direct(&w->c, &w->p);

	if (!reason) {
		return let_in(skb, w);
	}
	if (to_group(skb)) {
		return drop(skb, reason); /* calls nobody; no answer either (RFC 1122 3.2.2) */
	}
	if (!id && !is_icmp(&w->p) && in_pod_network(cfg, &w->p.key.saddr)) {
		return unknown_source(skb, w);
	}
	count_denied(reason);
	return refuse(skb, reason);
}

/* ---- everything that is not a packet of a known connection ---------------------------------- */

static __always_inline int judge_other(struct __sk_buff *skb, int shape, int to_function)
{
	if (shape == SHAPE_MALFORMED) {
		return to_function ? drop(skb, DF_REASON_MALFORMED) : VERDICT_NEXT;
	}
	if (shape == SHAPE_ICMP_ERROR) {
		/* Not ours: about traffic to what is no function. Errors open no connection. */
		return translate_to_pod(skb) == TRANSLATED_FAILED
			   ? drop(skb, DF_REASON_REWRITE_FAILED)
			   : VERDICT_NEXT;
	}
	if (shape == SHAPE_FRAGMENT) {
		/* Harmless without the first part, which is judged. */
		return follow_fragment(skb) == FOLLOW_FAILED ? drop(skb, DF_REASON_REWRITE_FAILED)
							     : VERDICT_NEXT;
	}
	return drop(skb, DF_REASON_UNSUPPORTED_PROTO);
}

/* A packet the agent sends again carries a mark; it is judged although the node itself sent it. */
static __always_inline void read_mark(struct __sk_buff *skb, struct work *w)
{
	struct df_config *cfg = settings();

	if (cfg && skb->mark && (skb->mark == cfg->mark_replay || skb->mark == cfg->mark_refuse)) {
		w->c.replayed = 1;
		w->c.give_up = skb->mark == cfg->mark_refuse;
		skb->mark = 0;
	}
}

/* The packet in the work area has no entry. */
__noinline int unknown(struct __sk_buff *skb, __u32 shape)
{
	struct work *w = work();
	__u32 ifindex = skb->ifindex;
	struct df_veth *v = bpf_map_lookup_elem(&veth, &ifindex);

	if (!w || !v || shape == SHAPE_NEIGHBOUR || shape == SHAPE_NOT_IP || shape == SHAPE_VLAN) {
		return VERDICT_NEXT;
	}
	/* Our own refusals and calls to oneself come straight from from_pod. */
	if (skb->ingress_ifindex == ifindex) {
		return VERDICT_NEXT;
	}
	struct df_fn *callee = fn_of(v->fn);
	const int to_function = callee && callee->kind == DF_FN_FUNCTION;

	__builtin_memset(&w->c, 0, sizeof(w->c));
	w->c.to = v->fn;
	if (shape == SHAPE_OTHER_IP && (!to_function || is_icmp(&w->p))) {
		return VERDICT_NEXT;
	}
	if (shape != SHAPE_FLOW) {
		return judge_other(skb, shape, to_function);
	}
	if (!to_function) {
		return ask_entry(w);
	}
	read_mark(skb, w);
	if (!skb->ingress_ifindex && !w->c.replayed) {
		return pass_noted(skb, DF_REASON_PROBE);
	}
	if (is_tcp(&w->p) && !opens_tcp(&w->p)) {
		return pass_noted(skb, DF_REASON_MIDFLOW);
	}
	/* An echo reply: the pod has asked for it. */
	if (is_icmp(&w->p) && !w->p.key.sport) {
		return VERDICT_NEXT;
	}
	return judge_call(skb);
}

/* ---- a packet whose tuple is in the table ---------------------------------------------------- */

/* A SYN meets an entry of an older connection of the same ports: is it a retransmit? */
static __always_inline int still_the_same(struct work *w, struct df_ct *entry)
{
	if (!edge_holds(entry)) {
		return 0;
	}
	if (entry->role == DF_CT_ANSWER) {
		return 1; /* simultaneous open (RFC 9293 §3.5) */
	}
	other_half(&w->other, &w->p.key, entry);
	struct df_ct *reply = bpf_map_lookup_elem(&ct, &w->other);
	const __u8 seen = reply ? reply->tcp : 0;

	return (reply || entry->flags == 0) && !is_over(entry->tcp, seen);
}

/* A SYN comes by the stack, and its answers would meet the half of a connection by the fast path,
 * which to_pod does not see: the node's connection tracker does not see it either, and has given
 * its source port to this one (kube-proxy's rules, while we drain). 1: that connection is open. */
static __always_inline int fast_path_has_it(struct work *w)
{
	reverse(&w->key, &w->p.key);
	struct df_ct *answer = bpf_map_lookup_elem(&ct, &w->key);

	if (!answer || answer->role != DF_CT_ANSWER || !(answer->flags & DF_CT_FAST)) {
		return 0;
	}
	other_half(&w->other, &w->key, answer);
	struct df_ct *call = bpf_map_lookup_elem(&ct, &w->other);

	if (call && !is_over(answer->tcp, call->tcp)) {
		return 1;
	}
	forget();
	bpf_map_delete_elem(&ct, &w->p.key); /* of one still older, without its other half */
	return 0;
}

/* The packet in the work area opens, or has no entry.
 * CONTINUE: it belongs to the entry now in the table. */
__noinline int slow(struct __sk_buff *skb)
{
	struct work *w = work();

	if (!w) {
		return TC_ACT_SHOT;
	}
	if (opens_tcp(&w->p) && fast_path_has_it(w)) {
		return refuse(skb, DF_REASON_TUPLE_COLLISION);
	}
	struct df_ct *entry = bpf_map_lookup_elem(&ct, &w->p.key);

	if (entry) {
		if (still_the_same(w, entry)) {
			return CONTINUE;
		}
		w->key = w->p.key;
		forget();
	}
	return unknown(skb, SHAPE_FLOW);
}

/* The edge is gone. The instance is answered at its own veth; here only the caller could be. */
__noinline int end_connection(struct __sk_buff *skb)
{
	struct work *w = work();
	struct df_ct *entry = w ? bpf_map_lookup_elem(&ct, &w->p.key) : NULL;

	if (!entry) {
		return TC_ACT_SHOT;
	}
	const int answer = entry->role == DF_CT_ANSWER;

	__builtin_memset(&w->c, 0, sizeof(w->c));
	w->c.from = entry->from;
	w->c.to = entry->fn;
	w->c.edge = entry->edge;
	w->key = w->p.key;
	close_once(1);
	forget();
	return answer ? drop(skb, DF_REASON_EDGE_REVOKED) : refuse(skb, DF_REASON_EDGE_REVOKED);
}

static __always_inline int deliver_answer(struct __sk_buff *skb, struct packet *p,
					  struct df_ct *entry)
{
	if (unlikely(p->fragment == FRAGMENT_FIRST)) {
		remember_fragment(p, DF_FRAG_SOURCE, 0);
	}
	return rewrite_flow(skb, p, END_SOURCE, entry) ? rewrite_failed(skb) : VERDICT_NEXT;
}

SEC("tc")
int to_pod(struct __sk_buff *skb)
{
	struct packet p = {};
	const enum shape shape = parse(skb, &p, DF_CT_TO_POD);
	struct df_ct *entry = shape == SHAPE_FLOW ? bpf_map_lookup_elem(&ct, &p.key) : NULL;

	if (unlikely(!entry || opens_tcp(&p))) {
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
	}
	const int holds = edge_holds(entry);
	/* On the fast path the instance's own from_pod has seen it. */
	const int first_answer = entry->role == DF_CT_ANSWER && is_tcp(&p) &&
				 !(entry->tcp & DF_TCP_ESTABLISHED) && !(entry->flags & DF_CT_FAST);
	const int reset = first_answer && p.tcp_flags & TCP_RST;

	if (unlikely(!holds || (reset && entry->flags & DF_CT_REPLAYED))) {
		struct work *w = work();

		if (!w) {
			return TC_ACT_SHOT;
		}
		w->p = p;
		return holds ? swallow_reset(skb) : end_connection(skb);
	}
	touch(entry);
	if (unlikely(first_answer && !reset && p.tcp_flags & TCP_SYN)) {
		established(&p, entry);
	}
	if (is_tcp(&p)) {
		follow_tcp(&p, entry);
	}
	count_bytes(skb, entry);
	if (entry->role == DF_CT_ANSWER) {
		return deliver_answer(skb, &p, entry);
	}
	if (unlikely(p.fragment == FRAGMENT_FIRST)) {
		remember_fragment(&p, DF_FRAG_UNCHANGED, 0);
	}
	return VERDICT_NEXT;
}

char LICENSE[] SEC("license") = "GPL";
