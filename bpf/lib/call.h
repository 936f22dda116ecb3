/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* A packet that opens a call, at the caller's hook: by vIP, by pod IP, or to what is no function.
 * It is in the work area, with the caller's identity. */
#ifndef DIRECTFAAS_BPF_CALL_H
#define DIRECTFAAS_BPF_CALL_H

#include "bpf/lib/hold.h"
#include "bpf/lib/open_call.h"
#include "bpf/lib/policy.h"
#include "bpf/lib/refuse.h"

/* Gives the packet to the agent, and remembers the call. */
static __always_inline int keep(struct __sk_buff *skb, struct work *w, struct df_fn_stats *stats)
{
	const __u64 now = now_coarse();

	if (!hold(skb, DF_HELD_NO_INSTANCE)) {
		return drop(skb, DF_REASON_HOLD_FULL);
	}
	if (is_tcp(&w->p)) {
		bpf_map_update_elem(&kept, &w->p.key, &now, BPF_ANY);
	}
	stats->held++;
	count(skb, DF_REASON_HELD);
	emit(skb, DF_REASON_HELD, DF_VERDICT_HOLD);
	return TC_ACT_SHOT;
}

/* Does the agent have this call, so that the packet is its caller's next try? */
static __always_inline int is_kept(const struct work *w)
{
	__u64 *since = is_tcp(&w->p) ? bpf_map_lookup_elem(&kept, &w->p.key) : NULL;

	return since && now_coarse() - *since < DF_KEPT_NS;
}

/* Nobody to call, or the agent has this call: keep the packet if the route says so. */
static __always_inline int no_instance(struct __sk_buff *skb, struct work *w)
{
	struct df_fn_stats *stats = stats_of_fn(w->c.to);

	if (w->c.replayed) {
		return TC_ACT_SHOT; /* the agent still has it */
	}
	if (!stats) {
		return drop(skb, DF_REASON_NO_ENDPOINT);
	}
	stats->zero_syn += !w->route.count;
	if (!(w->route.flags & DF_VIP_HOLD)) {
		stats->no_endpoint++;
		return refuse(skb, DF_REASON_NO_ENDPOINT);
	}
	return keep(skb, w, stats);
}

/* The connection is in the table: count and report it. */
static __always_inline int opened(struct __sk_buff *skb, struct work *w)
{
	struct df_config *cfg = settings();

	count_open_call(w);
	if (w->c.audited) {
		count(skb, DF_REASON_AUDITED);
		count_denied(DF_REASON_AUDITED);
		emit(skb, DF_REASON_AUDITED, DF_VERDICT_AUDIT);
	} else if (cfg && cfg->flags & DF_CONFIG_TRACE) {
		emit(skb, DF_REASON_FORWARDED, DF_VERDICT_PASS);
	}
	return CONTINUE;
}

__noinline int call_vip(struct __sk_buff *skb)
{
	struct work *w = work();
	struct df_vip_key key = {};

	if (!w) {
		return TC_ACT_SHOT;
	}
	if (is_icmp(&w->p)) {
		return drop(skb, DF_REASON_UNSUPPORTED_PROTO);
	}
	key.addr = w->p.key.daddr;
	key.port = w->p.key.dport;
	key.proto = w->p.key.proto;
	struct df_vip *route = bpf_map_lookup_elem(&vip, &key);

	if (!route) {
		return refuse(skb, DF_REASON_PORT_CLOSED);
	}
	w->route = *route;
	w->c.to = route->fn;
	int reason = judge_edge(&w->c);

	if (reason) {
		count_denied(reason);
		return refuse(skb, reason);
	}
	if (w->c.give_up) {
		bpf_map_delete_elem(&kept, &w->p.key);
		return refuse(skb, DF_REASON_HOLD_EXPIRED);
	}
	if (!w->route.count || (w->route.flags & DF_VIP_HOLD && !w->c.replayed && is_kept(w))) {
		return no_instance(skb, w);
	}
	if (!within_budget(w->p.key.ifindex, DF_CT_FROM_POD)) {
		return drop(skb, DF_REASON_CT_BUDGET);
	}
	reason = open_to_vip();
	return reason ? drop(skb, reason) : opened(skb, w);
}

/* A call to an instance's own address: judged and counted alike, and rewritten only if a call to a
 * vIP has taken its source port on the wire. */
__noinline int call_pod(struct __sk_buff *skb)
{
	struct work *w = work();

	if (!w) {
		return TC_ACT_SHOT;
	}
	int reason = judge_direct(&w->c, &w->p);

	if (reason) {
		count_denied(reason);
		return refuse(skb, reason);
	}
	if (!within_budget(w->p.key.ifindex, DF_CT_FROM_POD)) {
		return drop(skb, DF_REASON_CT_BUDGET);
	}
	w->c.eaddr = w->p.key.daddr;
	w->c.eport = w->p.key.dport;
	w->c.flags = DF_CT_COUNTED;
	reason = insert_pair(!is_icmp(&w->p));
	return reason ? drop(skb, reason) : opened(skb, w);
}

/* A datagram to what is no function: free, and remembered so that the reply comes in. */
__noinline int leave_free(struct __sk_buff *skb)
{
	struct work *w = work();

	if (!w || w->p.key.proto != IPPROTO_UDP) {
		return VERDICT_NEXT;
	}
	struct df_fn *caller = fn_of(w->c.from);

	if (!caller || caller->kind != DF_FN_FUNCTION) {
		return VERDICT_NEXT; /* nothing that enters an entry's pod is judged */
	}
	if (!within_budget(w->p.key.ifindex, DF_CT_FROM_POD)) {
		return drop(skb, DF_REASON_CT_BUDGET);
	}
	w->c.eaddr = w->p.key.daddr;
	w->c.eport = w->p.key.dport;
	w->c.flags = DF_CT_FREE;
	const int reason = insert_pair(0);

	return reason == DF_REASON_CT_FULL ? drop(skb, reason) : VERDICT_NEXT;
}

#endif
