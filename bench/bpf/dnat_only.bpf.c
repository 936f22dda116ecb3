// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/* The least that any switch with virtual addresses does: parse, look the vIP up once, rewrite. No
 * identity, policy, connection or counter: what from_pod is compared with. Addresses are stored in
 * place and the transport checksum is left to the helper that knows about offload, as from_pod
 * does: with bpf_skb_store_bytes() and bpf_l3_csum_replace() it would take half as long again. */
#include "bench/bpf/dnat_only.h"

#include "bpf/lib/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dnat_v4_key);
	__type(value, struct dnat_v4);
} dnat_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dnat_v6_key);
	__type(value, struct dnat_v6);
} dnat_v6 SEC(".maps");

static __always_inline __u16 fold16(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

static __always_inline int forward_v4(struct __sk_buff *skb, struct iphdr *ip, void *data_end)
{
	struct tcphdr *tcp = (void *)(ip + 1);
	const __u32 check = ETH_HLEN + sizeof(*ip) + offsetof(struct tcphdr, check);

	if ((void *)(tcp + 1) > data_end || ip->ihl != 5 || ip->protocol != IPPROTO_TCP) {
		return TC_ACT_UNSPEC;
	}
	struct dnat_v4_key key = {.addr = ip->daddr, .port = tcp->dest};
	struct dnat_v4 *to = bpf_map_lookup_elem(&dnat_v4, &key);

	if (!to) {
		return TC_ACT_UNSPEC;
	}
	/* RFC 1624: HC' = ~(~HC + ~m + m') */
	ip->check = ~fold16((__u64)(__u16)~ip->check + (__u32)~key.addr + to->addr);
	ip->daddr = to->addr;
	tcp->dest = to->port;
	if (bpf_l4_csum_replace(skb, check, key.addr, to->addr, BPF_F_PSEUDO_HDR | 4) ||
	    bpf_l4_csum_replace(skb, check, key.port, to->port, 2)) {
		return TC_ACT_SHOT;
	}
	return TC_ACT_UNSPEC;
}

static __always_inline int forward_v6(struct __sk_buff *skb, struct ipv6hdr *ip, void *data_end)
{
	struct tcphdr *tcp = (void *)(ip + 1);
	const __u32 check = ETH_HLEN + sizeof(*ip) + offsetof(struct tcphdr, check);
	struct dnat_v6_key key = {};

	if ((void *)(tcp + 1) > data_end || ip->nexthdr != IPPROTO_TCP) {
		return TC_ACT_UNSPEC;
	}
	__builtin_memcpy(key.addr.bytes, &ip->daddr, sizeof(key.addr));
	key.port = tcp->dest;
	struct dnat_v6 *to = bpf_map_lookup_elem(&dnat_v6, &key);

	if (!to) {
		return TC_ACT_UNSPEC;
	}
	const __u32 *from = (const __u32 *)key.addr.bytes;
	const __u32 *new = (const __u32 *)to->addr.bytes;
	__u64 diff = 0;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		diff += (__u64)(__u32)~from[i] + new[i];
	}
	__builtin_memcpy(&ip->daddr, to->addr.bytes, sizeof(to->addr));
	tcp->dest = to->port;
	if (bpf_l4_csum_replace(skb, check, 0, fold16(diff), BPF_F_PSEUDO_HDR) ||
	    bpf_l4_csum_replace(skb, check, key.port, to->port, 2)) {
		return TC_ACT_SHOT;
	}
	return TC_ACT_UNSPEC;
}

SEC("tc")
int dnat_only(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	void *l3 = eth + 1;

	if (l3 + sizeof(struct ipv6hdr) > data_end) {
		return TC_ACT_UNSPEC;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		return forward_v4(skb, l3, data_end);
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		return forward_v6(skb, l3, data_end);
	}
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
