/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Hand a first packet to the agent, whole, to be sent again when the answer is known. */
#ifndef DIRECTFAAS_BPF_HOLD_H
#define DIRECTFAAS_BPF_HOLD_H

#include "bpf/lib/verdict.h"

struct held_small {
	struct df_held head;
	__u8 frame[DF_HELD_SMALL];
};
struct held_large {
	struct df_held head;
	__u8 frame[DF_HELD_LARGE];
};

static __always_inline void fill_held(struct df_held *head, const struct work *w, __u8 kind,
				      __u16 len)
{
	const struct packet *p = &w->p;

	head->time = bpf_ktime_get_ns();
	head->saddr = p->key.saddr;
	head->daddr = p->key.daddr;
	head->sport = p->key.sport;
	head->dport = p->key.dport;
	head->proto = p->key.proto;
	head->kind = kind;
	head->len = len;
	head->ifindex = p->key.ifindex;
	head->from = w->c.from;
	head->to = w->c.to;
	head->reserved = 0;
}

/* Copies `len` bytes, at most DF_HELD_SMALL or _LARGE. The odd form keeps 5.10's verifier sure
 * that the length is neither zero nor too large. */
#define COPY_FRAME(skb, record, len, limit, mask)                                    \
	({                                                                           \
		__u32 m = (len) - 1;                                                 \
		long failed = -1;                                                    \
		asm volatile("" : "+r"(m));                                          \
		m &= (mask);                                                         \
		if (m < (limit)) {                                                   \
			failed = bpf_skb_load_bytes(skb, 0, (record)->frame, m + 1); \
		}                                                                    \
		failed;                                                              \
	})

/* Gives the agent the packet in the work area. Returns 1 when it has it. */
__noinline int hold(struct __sk_buff *skb, __u32 kind)
{
	struct work *w = work();
	const __u32 len = skb->len;

	if (!w || len == 0 || len > DF_HELD_LARGE || skb->gso_size) {
		return 0;
	}
	if (len <= DF_HELD_SMALL) {
		struct held_small *record = bpf_ringbuf_reserve(&held, sizeof(*record), 0);

		if (!record) {
			ring_was_full(DF_RING_HELD);
			return 0;
		}
		fill_held(&record->head, w, kind, len);
		if (COPY_FRAME(skb, record, len, DF_HELD_SMALL, 0xff)) {
			bpf_ringbuf_discard(record, 0);
			return 0;
		}
		bpf_ringbuf_submit(record, 0);
		return 1;
	}
	struct held_large *record = bpf_ringbuf_reserve(&held, sizeof(*record), 0);

	if (!record) {
		ring_was_full(DF_RING_HELD);
		return 0;
	}
	fill_held(&record->head, w, kind, len);
	if (COPY_FRAME(skb, record, len, DF_HELD_LARGE, 0x7ff)) {
		bpf_ringbuf_discard(record, 0);
		return 0;
	}
	bpf_ringbuf_submit(record, 0);
	return 1;
}

/* Tells the agent that the instance refused a replayed call. w->other is the caller's tuple. */
static __always_inline void report_reset(const struct df_ct *entry)
{
	struct work *w = work();

	if (!w) {
		return;
	}
	struct df_held *record = bpf_ringbuf_reserve(&held, sizeof(*record), 0);

	if (!record) {
		ring_was_full(DF_RING_HELD);
		return;
	}
	w->p.key = w->other;
	w->c.from = entry->from;
	w->c.to = entry->fn;
	fill_held(record, w, DF_HELD_RESET, 0);
	bpf_ringbuf_submit(record, 0);
}

#endif
