/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Change addresses and ports, and keep every checksum right, whether the checksum is complete or
 * still to be finished by a device (CHECKSUM_PARTIAL): only bpf_l4_csum_replace() knows which. */
#ifndef DIRECTFAAS_BPF_REWRITE_H
#define DIRECTFAAS_BPF_REWRITE_H

#include "bpf/lib/work.h"

enum end { END_SOURCE, END_DESTINATION };

static __always_inline __u32 fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (__u32)((sum & 0xffffffff) + (sum >> 32));
}

static __always_inline __u16 fold16(__u64 sum)
{
	__u32 s = fold32(sum);

	s = (s & 0xffff) + (s >> 16);
	return (__u16)((s & 0xffff) + (s >> 16));
}

/* The checksum difference of replacing `old` by `new`, as bpf_l4_csum_replace(from = 0) wants it.
 * The mapped prefix of IPv4 cancels out. */
static __always_inline __u32 addr_diff(const struct df_addr *old, const struct df_addr *new)
{
	const __u32 *o = (const __u32 *)old->bytes;
	const __u32 *n = (const __u32 *)new->bytes;
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		sum += n[i];
		sum += (__u32)~o[i];
	}
	return fold32(sum);
}

static __always_inline __u32 l4_check_offset(const struct packet *p)
{
	if (p->key.proto == IPPROTO_TCP) {
		return p->l4 + offsetof(struct tcphdr, check);
	}
	if (p->key.proto == IPPROTO_UDP) {
		return p->l4 + offsetof(struct udphdr, check);
	}
	return p->l4 + 2; /* ICMP, ICMPv6 */
}

/* A UDP checksum of zero means "none" and must stay (RFC 768); a computed zero becomes ones. */
static __always_inline __u64 l4_flags(const struct packet *p)
{
	return p->key.proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
}

/* Writes one address into the IP header and mends the header's own checksum. */
static __always_inline int write_addr(struct __sk_buff *skb, const struct packet *p, enum end end,
				      const struct df_addr *old, const struct df_addr *new)
{
	if (p->v6) {
		const __u32 offset = p->l3 + (end == END_SOURCE ? offsetof(struct ipv6hdr, saddr)
								: offsetof(struct ipv6hdr, daddr));

		return bpf_skb_store_bytes(skb, offset, new->bytes, 16, 0);
	}
	const __be32 from = get_v4(old);
	const __be32 to = get_v4(new);
	const __u32 offset = p->l3 + (end == END_SOURCE ? offsetof(struct iphdr, saddr)
							: offsetof(struct iphdr, daddr));

	if (bpf_l3_csum_replace(skb, p->l3 + offsetof(struct iphdr, check), from, to, 4)) {
		return -1;
	}
	return bpf_skb_store_bytes(skb, offset, &to, 4, 0);
}

/* Replaces one address and port of the packet in the work area by w->to and `port` (network order):
 * any protocol, any header layout. ICMP has no ports, ICMPv4 no pseudo-header.
 * The packet can no longer be passed on unchanged once this has begun. 0 on success. */
__noinline int rewrite_any(struct __sk_buff *skb, __u32 end, __u32 port)
{
	struct work *w = work();

	if (!w) {
		return -1;
	}
	const struct packet *p = &w->p;
	const __be16 new_port = port;
	const struct df_addr *old = end == END_SOURCE ? &p->key.saddr : &p->key.daddr;
	const __be16 old_port = end == END_SOURCE ? p->key.sport : p->key.dport;
	const __u32 check = l4_check_offset(p);
	const __u8 has_l4 = p->fragment != FRAGMENT_LATER;

	if (has_l4 && p->key.proto != IPPROTO_ICMP &&
	    bpf_l4_csum_replace(skb, check, 0, addr_diff(old, &w->to),
				BPF_F_PSEUDO_HDR | l4_flags(p))) {
		return -1;
	}
	if (has_l4 && !is_icmp(p) && old_port != new_port) {
		if (bpf_l4_csum_replace(skb, check, old_port, new_port, 2 | l4_flags(p)) ||
		    bpf_skb_store_bytes(skb, p->l4 + (end == END_SOURCE ? 0 : 2), &new_port, 2,
					0)) {
			return -1;
		}
	}
	return write_addr(skb, p, end, old, &w->to);
}

/* The same for the packets that parse() read in place, with direct stores: the per-packet path.
 * `p->l4` is constant in each branch, so every store has a fixed offset. */
static __always_inline int rewrite_fast_v4(struct __sk_buff *skb, const struct packet *p,
					   enum end end, const struct df_addr *to, __be16 port)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct ports *ports = (void *)(ip + 1);

	if ((void *)(ports + 1) > data_end) {
		return -1;
	}
	__be32 *addr = end == END_SOURCE ? &ip->saddr : &ip->daddr;
	__be16 *where = end == END_SOURCE ? &ports->source : &ports->dest;
	const __be32 old_addr = *addr;
	const __be32 new_addr = get_v4(to);
	const __be16 old_port = *where;

	/* RFC 1624: HC' = ~(~HC + ~m + m') */
	ip->check = ~fold16((__u64)(__u16)~ip->check + (__u32)~old_addr + new_addr);
	*addr = new_addr;
	*where = port;
	const __u32 check = l4_check_offset(p);

	if (bpf_l4_csum_replace(skb, check, old_addr, new_addr,
				4 | BPF_F_PSEUDO_HDR | l4_flags(p))) {
		return -1;
	}
	return old_port == port ? 0
				: bpf_l4_csum_replace(skb, check, old_port, port, 2 | l4_flags(p));
}

static __always_inline int rewrite_fast_v6(struct __sk_buff *skb, const struct packet *p,
					   enum end end, const struct df_addr *to, __be16 port)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct ports *ports = (void *)(ip + 1);

	if ((void *)(ports + 1) > data_end) {
		return -1;
	}
	__be16 *where = end == END_SOURCE ? &ports->source : &ports->dest;
	const __be16 old_port = *where;

	copy_addr((struct df_addr *)(end == END_SOURCE ? &ip->saddr : &ip->daddr), to->bytes);
	*where = port;
	const __u32 check = l4_check_offset(p);
	const __u32 diff = addr_diff(end == END_SOURCE ? &p->key.saddr : &p->key.daddr, to);

	if (bpf_l4_csum_replace(skb, check, 0, diff, BPF_F_PSEUDO_HDR | l4_flags(p))) {
		return -1;
	}
	return old_port == port ? 0
				: bpf_l4_csum_replace(skb, check, old_port, port, 2 | l4_flags(p));
}

/* Any shape of packet, by helper. */
static __always_inline int rewrite_by_helper(struct __sk_buff *skb, const struct packet *p,
					     enum end end, const struct df_addr *to, __be16 port)
{
	struct work *w = work();

	if (!w) {
		return -1;
	}
	w->p = *p;
	w->to = *to;
	return rewrite_any(skb, end, port);
}

/* Per-packet path: the common shapes in place, the rest by helper. */
static __always_inline int rewrite(struct __sk_buff *skb, const struct packet *p, enum end end,
				   const struct df_addr *to, __be16 port)
{
	const __u8 tcp_or_udp = p->key.proto == IPPROTO_TCP || p->key.proto == IPPROTO_UDP;

	if (likely(tcp_or_udp && p->fragment == FRAGMENT_WHOLE)) {
		if (!p->v6 && p->l4 == ETH_HLEN + sizeof(struct iphdr)) {
			return rewrite_fast_v4(skb, p, end, to, port);
		}
		if (p->v6 && p->l4 == ETH_HLEN + sizeof(struct ipv6hdr)) {
			return rewrite_fast_v6(skb, p, end, to, port);
		}
	}
	return rewrite_by_helper(skb, p, end, to, port);
}

/* What an entry says about a packet: `far`, the end that is a vIP on one side and an instance on
 * the other, and rarely the caller's port at the other end (after a clash). 0 on success. */
static __always_inline int rewrite_flow(struct __sk_buff *skb, const struct packet *p, enum end far,
					const struct df_ct *entry)
{
	const enum end near = far == END_SOURCE ? END_DESTINATION : END_SOURCE;
	const struct df_addr *own = near == END_SOURCE ? &p->key.saddr : &p->key.daddr;
	const __be16 own_port = near == END_SOURCE ? p->key.sport : p->key.dport;

	if (!(entry->flags & DF_CT_NAT)) {
		return 0;
	}
	if (unlikely(entry->alt_port != own_port) &&
	    rewrite_by_helper(skb, p, near, own, entry->alt_port)) {
		return -1;
	}
	return rewrite(skb, p, far, &entry->nat_addr, entry->nat_port);
}

#endif
