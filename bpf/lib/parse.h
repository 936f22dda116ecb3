/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* The common shapes, read in place. */
#ifndef DIRECTFAAS_BPF_PARSE_H
#define DIRECTFAAS_BPF_PARSE_H

#include "bpf/lib/parse_slow.h"

static __always_inline int parse_fast_transport(struct packet *p, void *l4, void *end)
{
	if (p->key.proto == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > end || tcp->doff < 5) {
			return 0;
		}
		p->tcp_flags = ((__u8 *)tcp)[13];
		p->key.sport = tcp->source;
		p->key.dport = tcp->dest;
		return 1;
	}
	if (p->key.proto == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > end) {
			return 0;
		}
		p->key.sport = udp->source;
		p->key.dport = udp->dest;
		return 1;
	}
	return 0;
}

/* Fills `p` for a packet seen at `skb->ifindex` in direction `dir`. `p` must be zeroed. */
static __always_inline enum shape parse(struct __sk_buff *skb, struct packet *p, __u8 dir)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	p->key.ifindex = skb->ifindex;
	p->key.dir = dir;
	p->l3 = ETH_HLEN;
	if (data + ETH_HLEN + sizeof(struct ipv6hdr) <= end &&
	    eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if (likely(ip->version == 6)) {
			p->v6 = 1;
			p->l4 = ETH_HLEN + sizeof(*ip);
			p->key.proto = ip->nexthdr;
			copy_addr(&p->key.saddr, &ip->saddr);
			copy_addr(&p->key.daddr, &ip->daddr);
			if (parse_fast_transport(p, ip + 1, end)) {
				return SHAPE_FLOW;
			}
		}
	} else if (data + ETH_HLEN + sizeof(struct iphdr) <= end &&
		   eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + ETH_HLEN;

		/* version 4, five words, not a fragment */
		if (likely(*(__u8 *)ip == 0x45 && !(ip->frag_off & bpf_htons(0x3fff)))) {
			p->l4 = ETH_HLEN + sizeof(*ip);
			p->key.proto = ip->protocol;
			set_v4(&p->key.saddr, ip->saddr);
			set_v4(&p->key.daddr, ip->daddr);
			if (parse_fast_transport(p, ip + 1, end)) {
				return SHAPE_FLOW;
			}
		}
	}
	const int shape = parse_slow(skb);
	struct work *w = work();

	if (!w) {
		return SHAPE_MALFORMED;
	}
	*p = w->p;
	p->key.dir = dir;
	return shape;
}

#endif
