/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Counting and reporting, for programs of any kind. HOOK is the program's enum df_hook. */
#ifndef DIRECTFAAS_BPF_REPORT_H
#define DIRECTFAAS_BPF_REPORT_H

#include "bpf/lib/tables.h"

static __always_inline struct df_config *settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline __u64 now_coarse(void)
{
	return node.coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
}

static __always_inline void count_packet(__u32 reason, __u32 length)
{
	__u32 index = reason * DF_HOOK_MAX + HOOK;
	struct df_drop *entry = bpf_map_lookup_elem(&drops, &index);

	if (entry) {
		entry->packets++;
		entry->bytes += length;
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

#endif
