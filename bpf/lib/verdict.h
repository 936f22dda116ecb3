/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Every outcome is counted by reason; what an operator may want to see becomes an event. In the
 * datapath there are no errors, only counted outcomes. HOOK is the program's enum df_hook. */
#ifndef DIRECTFAAS_BPF_VERDICT_H
#define DIRECTFAAS_BPF_VERDICT_H

#include "bpf/lib/work.h"

static __always_inline __u64 now_coarse(void)
{
	return node.coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
}

static __always_inline void count(struct __sk_buff *skb, __u32 reason)
{
	__u32 index = reason * DF_HOOK_MAX + HOOK;
	struct df_drop *entry = bpf_map_lookup_elem(&drops, &index);

	if (entry) {
		entry->packets++;
		entry->bytes += skb->len;
	}
}

static __always_inline void ring_was_full(__u32 ring)
{
	__u64 *lost = bpf_map_lookup_elem(&ring_lost, &ring);

	if (lost) {
		(*lost)++;
	}
}

/* A token bucket per CPU, so that a flood of denials costs a bounded number of events. */
static __always_inline int event_allowed(void)
{
	__u32 zero = 0;
	struct df_config *cfg = settings();
	struct df_budget *bucket = bpf_map_lookup_elem(&event_budget, &zero);

	if (!cfg || !bucket) {
		return 0;
	}
	const __u64 now = now_coarse();

	if (now - bucket->refilled > NSEC_PER_SEC) {
		bucket->refilled = now;
		bucket->tokens = cfg->event_rate;
	}
	if (!bucket->tokens) {
		return 0;
	}
	bucket->tokens--;
	return 1;
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
