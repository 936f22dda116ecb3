/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Every outcome is counted by reason; what an operator may want to see becomes an event. In the
 * datapath there are no errors, only counted outcomes. HOOK is the program's enum df_hook. */
#ifndef DIRECTFAAS_BPF_VERDICT_H
#define DIRECTFAAS_BPF_VERDICT_H

#include "bpf/lib/work.h"

static __always_inline void count(struct __sk_buff *skb, __u32 reason)
{
	count_packet(reason, skb->len);
}

/* Reports the packet in the work area. */
__noinline int emit(struct __sk_buff *skb, __u32 reason, __u32 verdict)
{
	struct work *w = work();

	if (!w || !event_allowed()) {
		return 0;
	}
	struct df_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		ring_was_full(DF_RING_EVENTS);
		return 0;
	}
	event->time = bpf_ktime_get_ns();
	event->saddr = w->p.key.saddr;
	event->daddr = w->p.key.daddr;
	event->eaddr = w->c.eaddr;
	event->sport = w->p.key.sport;
	event->dport = w->p.key.dport;
	event->eport = w->c.eport;
	event->proto = w->p.key.proto;
	event->verdict = verdict;
	event->reason = reason;
	event->hook = HOOK;
	event->from = w->c.from;
	event->to = w->c.to;
	event->edge = w->c.edge;
	event->ifindex = w->p.key.ifindex;
	event->length = skb->len;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Drop the packet in the work area for a named reason. */
__noinline int drop(struct __sk_buff *skb, __u32 reason)
{
	count(skb, reason);
	emit(skb, reason, DF_VERDICT_DROP);
	return TC_ACT_SHOT;
}

/* Drop on the per-packet path, where nothing is in the work area. */
static __always_inline int rewrite_failed(struct __sk_buff *skb)
{
	count(skb, DF_REASON_REWRITE_FAILED);
	return TC_ACT_SHOT;
}

/* Pass, and note why it was not simply forwarded. */
static __always_inline int pass_noted(struct __sk_buff *skb, __u32 reason)
{
	count(skb, reason);
	return VERDICT_NEXT;
}

#endif
