// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/* Makes BPF_PROG_TEST_RUN with `repeat` useful for programs that change the packet: the kernel does
 * not restore it between turns, so `repeat` writes the headers anew and then jumps to the program
 * under test. Its own cost is measured with `empty` as the target and subtracted. */
#include "bench/bpf/frames.h"
#include "bpf/lib/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_FRAMES);
	__type(key, __u32);
	__type(value, struct bench_frame);
} frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_turn);
} turn SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

/* Eight bytes at a time. 0 on success. */
static __always_inline int write_headers(struct __sk_buff *skb, const void *from, int bytes)
{
	__u64 *words = (void *)(long)skb->data;
	const __u64 *source = from;

	if ((void *)words + bytes > (void *)(long)skb->data_end) {
		return -1;
	}
#pragma unroll
	for (int i = 0; i < bytes / 8; i++) {
		words[i] = source[i];
	}
	return 0;
}

/* Each turn another connection. */
static __always_inline int write_port(struct __sk_buff *skb, int at, __u32 turns)
{
	__be16 *port = (void *)(long)skb->data + at;

	if ((void *)(port + 1) > (void *)(long)skb->data_end) {
		return -1;
	}
	*port = bpf_htons(1024 + turns % BENCH_PORTS);
	return 0;
}

SEC("tc")
int repeat(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct bench_turn *t = bpf_map_lookup_elem(&turn, &zero);

	if (!t) {
		return TC_ACT_SHOT;
	}
	__u32 index = t->next & t->mask & (BENCH_FRAMES - 1);
	struct bench_frame *f = bpf_map_lookup_elem(&frames, &index);

	if (!f) {
		return TC_ACT_SHOT;
	}
	if (f->v6 ? write_headers(skb, f->bytes, BENCH_HEADERS_V6)
		  : write_headers(skb, f->bytes, BENCH_HEADERS_V4)) {
		return TC_ACT_SHOT;
	}
	if (t->new_ports && write_port(skb, f->v6 ? BENCH_SPORT_V6 : BENCH_SPORT_V4, t->next)) {
		return TC_ACT_SHOT;
	}
	t->next++;
	bpf_tail_call(skb, &target, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
