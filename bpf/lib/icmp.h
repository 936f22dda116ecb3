/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* ICMP errors quote the packet they complain about. A caller must find its own packet in the
 * quotation (to the vIP), an instance its own (from its eIP), or path MTU discovery and "port
 * unreachable" are lost (P32). */
#ifndef DIRECTFAAS_BPF_ICMP_H
#define DIRECTFAAS_BPF_ICMP_H

#include "bpf/lib/connection.h"
#include "bpf/lib/fast.h"
#include "bpf/lib/rewrite.h"

#define ICMP_HEAD 8

/* Reads the quoted packet into w->q. 0 on success. Quoted extension headers are not followed. */
__noinline int read_quote(struct __sk_buff *skb)
{
	struct work *w = work();
	struct ports ports;

	if (!w) {
		return -1;
	}
	struct quote *q = &w->q;

	q->l3 = w->p.l4 + ICMP_HEAD;
	q->key.ifindex = w->p.key.ifindex;
	q->key.pad = 0;
	if (w->p.v6) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, q->l3, &ip, sizeof(ip))) {
			return -1;
		}
		copy_addr(&q->key.saddr, &ip.saddr);
		copy_addr(&q->key.daddr, &ip.daddr);
		q->key.proto = ip.nexthdr;
		q->l4 = q->l3 + sizeof(ip);
	} else {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, q->l3, &ip, sizeof(ip)) || ip.ihl < 5) {
			return -1;
		}
		set_v4(&q->key.saddr, ip.saddr);
		set_v4(&q->key.daddr, ip.daddr);
		q->key.proto = ip.protocol;
		q->l4 = q->l3 + ip.ihl * 4;
	}
	if ((q->key.proto != IPPROTO_TCP && q->key.proto != IPPROTO_UDP) ||
	    bpf_skb_load_bytes(skb, q->l4, &ports, sizeof(ports))) {
		return -1;
	}
	q->key.sport = ports.source;
	q->key.dport = ports.dest;
	return 0;
}

/* Stores two quoted bytes and keeps the ICMP checksum right. */
static __always_inline int patch16(struct __sk_buff *skb, const struct packet *p, __u32 offset,
				   __u16 old, __u16 new)
{
	if (old == new) {
		return 0;
	}
	if (bpf_l4_csum_replace(skb, p->l4 + 2, old, new, 2)) {
		return -1;
	}
	return bpf_skb_store_bytes(skb, offset, &new, 2, 0);
}

/* IPv4: the quoted header's own checksum takes up the change, so the ICMP sum stays. IPv6 has no
 * header checksum, so the ICMPv6 sum changes. */
static __always_inline int rewrite_quoted_addr(struct __sk_buff *skb, const struct packet *p,
					       const struct quote *q, enum end end,
					       const struct df_addr *old, const struct df_addr *new)
{
	if (p->v6) {
		const __u32 offset = q->l3 + (end == END_SOURCE ? offsetof(struct ipv6hdr, saddr)
								: offsetof(struct ipv6hdr, daddr));

		if (bpf_l4_csum_replace(skb, p->l4 + 2, 0, addr_diff(old, new), 0)) {
			return -1;
		}
		return bpf_skb_store_bytes(skb, offset, new->bytes, 16, 0);
	}
	const __be32 from = get_v4(old);
	const __be32 to = get_v4(new);
	const __u32 offset = q->l3 + (end == END_SOURCE ? offsetof(struct iphdr, saddr)
							: offsetof(struct iphdr, daddr));

	if (bpf_l3_csum_replace(skb, q->l3 + offsetof(struct iphdr, check), from, to, 4)) {
		return -1;
	}
	return bpf_skb_store_bytes(skb, offset, &to, 4, 0);
}

/* The quoted transport checksum, where enough of the packet is quoted to hold it. */
static __always_inline int rewrite_quoted_check(struct __sk_buff *skb, const struct packet *p,
						const struct quote *q, __u64 diff)
{
	const int udp = q->key.proto == IPPROTO_UDP;
	const __u32 offset =
	    q->l4 + (udp ? offsetof(struct udphdr, check) : offsetof(struct tcphdr, check));
	__u16 old;

	if (bpf_skb_load_bytes(skb, offset, &old, sizeof(old)) || (udp && !old)) {
		return 0;
	}
	__u16 new = ~fold16((__u64)(__u16)~old + diff);

	if (udp && !new) {
		new = 0xffff;
	}
	return patch16(skb, p, offset, old, new);
}

/* Replaces one end of the quoted packet by w->to and `port`, the other end's port by `other`. */
static __always_inline int rewrite_quote(struct __sk_buff *skb, struct work *w, enum end end,
					 __be16 port, __be16 other)
{
	const struct quote *q = &w->q;
	const int source = end == END_SOURCE;
	const struct df_addr *old = source ? &q->key.saddr : &q->key.daddr;
	const __be16 sport = source ? port : other;
	const __be16 dport = source ? other : port;
	const __u64 diff = (__u64)addr_diff(old, &w->to) + (__u16)~q->key.sport + sport +
			   (__u16)~q->key.dport + dport;

	return rewrite_quoted_addr(skb, &w->p, q, end, old, &w->to) ||
	       patch16(skb, &w->p, q->l4, q->key.sport, sport) ||
	       patch16(skb, &w->p, q->l4 + 2, q->key.dport, dport) ||
	       rewrite_quoted_check(skb, &w->p, q, diff);
}

enum translated {
	TRANSLATED_NOT_OURS,
	TRANSLATED_OK,
	TRANSLATED_DELIVERED, /* redirected on the fast path */
	TRANSLATED_FAILED,
};

/* Towards the caller: the quotation names eIP and wire port, the caller knows vIP and its own. */
static __always_inline int translate_to_caller(struct __sk_buff *skb, struct work *w,
					       const struct df_ct *entry)
{
	const struct quote *q = &w->q;
	const __be16 vport = entry->nat_port;
	const __be16 own_port = entry->alt_port;

	w->to = entry->nat_addr;
	if (rewrite_quote(skb, w, END_DESTINATION, vport, own_port)) {
		return TRANSLATED_FAILED;
	}
	if (same_addr(&w->p.key.saddr, &q->key.daddr) && rewrite_any(skb, END_SOURCE, 0)) {
		return TRANSLATED_FAILED;
	}
	return TRANSLATED_OK;
}

/* Towards the instance: the caller complains about a packet that it believes came from the vIP. */
static __always_inline int translate_to_instance(struct __sk_buff *skb, struct work *w,
						 const struct df_ct *entry)
{
	const __be16 eport = entry->nat_port;
	const __be16 wire_port = entry->alt_port;

	w->to = entry->nat_addr;
	if (rewrite_quote(skb, w, END_SOURCE, eport, wire_port) ||
	    rewrite_any(skb, END_DESTINATION, 0)) {
		return TRANSLATED_FAILED;
	}
	return TRANSLATED_OK;
}

__noinline int translate_to_pod(struct __sk_buff *skb)
{
	struct work *w = work();

	if (!w || read_quote(skb)) {
		return TRANSLATED_NOT_OURS;
	}
	struct quote *q = &w->q;

	q->key.dir = DF_CT_FROM_POD;
	reverse(&w->key, &q->key);
	struct df_ct *entry = bpf_map_lookup_elem(&ct, &w->key);

	if (!entry) {
		return TRANSLATED_NOT_OURS;
	}
	return entry->role == DF_CT_ANSWER && entry->flags & DF_CT_NAT
		   ? translate_to_caller(skb, w, entry)
		   : TRANSLATED_OK;
}

/* What a pod complains about: a caller about an answer, on the fast path also an instance about a
 * call. */
__noinline int translate_from_pod(struct __sk_buff *skb)
{
	struct work *w = work();

	if (!w || read_quote(skb)) {
		return TRANSLATED_NOT_OURS;
	}
	struct quote *q = &w->q;

	q->key.dir = DF_CT_TO_POD;
	reverse(&w->key, &q->key);
	struct df_ct *entry = bpf_map_lookup_elem(&ct, &w->key);

	if (!entry || !(entry->flags & DF_CT_NAT)) {
		return TRANSLATED_NOT_OURS;
	}
	const int fast = still_fast(entry, w->key.ifindex);

	if (entry->role != DF_CT_CALL && !(entry->role == DF_CT_ANSWER && fast)) {
		return TRANSLATED_NOT_OURS;
	}
	const int done = entry->role == DF_CT_CALL ? translate_to_instance(skb, w, entry)
						   : translate_to_caller(skb, w, entry);

	if (done != TRANSLATED_OK || !fast) {
		return done;
	}
	return deliver(skb, entry->peer, entry->mac) == TC_ACT_REDIRECT ? TRANSLATED_DELIVERED
									: TRANSLATED_FAILED;
}

#endif
