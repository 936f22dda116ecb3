/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* What an instance's first answer ends: the handshake, and a hold. It is seen by the caller's
 * to_pod, or by the instance's own from_pod on the fast path. */
#ifndef DIRECTFAAS_BPF_ANSWER_H
#define DIRECTFAAS_BPF_ANSWER_H

#include "bpf/lib/connection.h"
#include "bpf/lib/hold.h"
#include "bpf/lib/rewrite.h"

/* The instance of a replayed call does not listen yet. The caller must not see its reset. */
__noinline int swallow_reset(struct __sk_buff *skb)
{
	struct work *w = work();
	struct df_ct *entry = w ? bpf_map_lookup_elem(&ct, &w->p.key) : NULL;

	if (!entry) {
		return TC_ACT_SHOT;
	}
	w->key = w->p.key;
	other_half(&w->other, &w->key, entry);
	report_reset(entry);
	forget();
	count(skb, DF_REASON_REPLAY_RESET);
	return TC_ACT_SHOT;
}

/* The logarithm, without a loop: buckets are powers of two of microseconds. */
static __always_inline __u32 handshake_bucket(__u64 ns)
{
	__u64 us = ns / 1000;
	__u32 bucket = 0;

	if (us >> 32) {
		return DF_HANDSHAKE_BUCKETS - 1;
	}
#pragma unroll
	for (int shift = 16; shift; shift >>= 1) {
		if (us >> shift) {
			us >>= shift;
			bucket += shift;
		}
	}
	bucket += us ? 1 : 0;
	return bucket < DF_HANDSHAKE_BUCKETS ? bucket : DF_HANDSHAKE_BUCKETS - 1;
}

/* The call that the agent has sent on is answered: its ports may be used again. */
static __always_inline void end_of_hold(const struct packet *p, const struct df_ct *entry)
{
	struct work *w = work();

	if (w) {
		other_half(&w->other, &p->key, entry);
		bpf_map_delete_elem(&kept, &w->other);
	}
}

/* How long the instance of a new connection took to answer. Called, not inlined: the verifier would
 * follow each bucket through the rest of the program. */
__noinline int count_handshake(__u32 edge, __u64 created)
{
	struct df_edge_stats *stats = stats_of_edge(edge);

	if (!stats) {
		return 0;
	}
	const __u64 took = bpf_ktime_get_ns() - created;
	const __u32 bucket = handshake_bucket(took);

	if (bucket < DF_HANDSHAKE_BUCKETS) {
		stats->handshake_sum_ns += took;
		stats->handshake[bucket]++;
	}
	return 0;
}

/* The instance has answered: the connection stands. */
static __always_inline void established(const struct packet *p, struct df_ct *entry)
{
	entry->tcp |= DF_TCP_ESTABLISHED;
	if (entry->flags & DF_CT_REPLAYED) {
		count_opened(entry->fn, entry->edge);
		end_of_hold(p, entry);
	}
	if (entry->edge) {
		count_handshake(entry->edge, entry->created);
	}
}

#endif
