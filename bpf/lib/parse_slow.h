/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Unusual packets: options, extension headers, fragments, ICMP, headers that are not in the linear
 * area. Reads by helper, so that one function serves every layout. */
#ifndef DIRECTFAAS_BPF_PARSE_SLOW_H
#define DIRECTFAAS_BPF_PARSE_SLOW_H

#include "bpf/lib/work.h"

static __always_inline enum shape parse_icmp(struct __sk_buff *skb, struct packet *p)
{
	__u8 head[8];

	if (bpf_skb_load_bytes(skb, p->l4, head, sizeof(head))) {
		return SHAPE_MALFORMED;
	}
	p->icmp_type = head[0];
	const __be16 identifier = *(__be16 *)(head + 4);
	if (p->key.proto == IPPROTO_ICMP) {
		if (head[0] == ICMP4_ECHO) {
			p->key.sport = identifier;
			return SHAPE_FLOW;
		}
		if (head[0] == ICMP4_ECHO_REPLY) {
			p->key.dport = identifier;
			return SHAPE_FLOW;
		}
		return head[0] == ICMP4_UNREACHABLE || head[0] == ICMP4_TIME_EXCEEDED ||
			       head[0] == ICMP4_PARAMETER
			   ? SHAPE_ICMP_ERROR
			   : SHAPE_OTHER_IP;
	}
	if (head[0] == ICMP6_ECHO) {
		p->key.sport = identifier;
		return SHAPE_FLOW;
	}
	if (head[0] == ICMP6_ECHO_REPLY) {
		p->key.dport = identifier;
		return SHAPE_FLOW;
	}
	if (head[0] >= ICMP6_UNREACHABLE && head[0] <= ICMP6_PARAMETER) {
		return SHAPE_ICMP_ERROR;
	}
	if ((head[0] >= ICMP6_MLD_QUERY && head[0] <= ICMP6_REDIRECT) ||
	    head[0] == ICMP6_MLD2_REPORT) {
		return SHAPE_NEIGHBOUR;
	}
	return SHAPE_OTHER_IP;
}

static __always_inline int is_group_v4(__be32 address)
{
	return bpf_ntohl(address) >> 28 == 0xe; /* 224.0.0.0/4 */
}

static __always_inline enum shape parse_transport(struct __sk_buff *skb, struct packet *p)
{
	struct ports ports;

	if (p->fragment == FRAGMENT_LATER) {
		return SHAPE_FRAGMENT;
	}
	if (p->key.proto == IPPROTO_TCP) {
		struct tcphdr tcp;

		if (bpf_skb_load_bytes(skb, p->l4, &tcp, sizeof(tcp)) || tcp.doff < 5) {
			return SHAPE_MALFORMED;
		}
		p->tcp_flags = ((__u8 *)&tcp)[13];
		p->key.sport = tcp.source;
		p->key.dport = tcp.dest;
		return SHAPE_FLOW;
	}
	if (p->key.proto == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, p->l4, &ports, sizeof(ports)) ||
		    p->l4 + sizeof(struct udphdr) > skb->len) {
			return SHAPE_MALFORMED;
		}
		p->key.sport = ports.source;
		p->key.dport = ports.dest;
		return SHAPE_FLOW;
	}
	if ((p->key.proto == IPPROTO_ICMP && !p->v6) || (p->key.proto == IPPROTO_ICMPV6 && p->v6)) {
		return parse_icmp(skb, p);
	}
	/* IPv4's listener reports; what is sent to one address alone is none. */
	if (p->key.proto == IPPROTO_IGMP && !p->v6 && is_group_v4(get_v4(&p->key.daddr))) {
		return SHAPE_NEIGHBOUR;
	}
	return SHAPE_OTHER_IP;
}

static __always_inline enum shape parse_ipv4(struct __sk_buff *skb, struct packet *p)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
	    bpf_ntohs(ip.tot_len) < ip.ihl * 4) {
		return SHAPE_MALFORMED;
	}
	const __u16 offset = bpf_ntohs(ip.frag_off);

	if (offset & 0x1fff) {
		p->fragment = FRAGMENT_LATER;
	} else if (offset & 0x2000) {
		p->fragment = FRAGMENT_FIRST;
	}
	p->fragment_id = ip.id;
	p->l4 = p->l3 + ip.ihl * 4;
	p->key.proto = ip.protocol;
	set_v4(&p->key.saddr, ip.saddr);
	set_v4(&p->key.daddr, ip.daddr);
	return parse_transport(skb, p);
}

/* Walks extension headers (RFC 8200 §4), a bounded number of them. */
static __always_inline enum shape parse_ipv6(struct __sk_buff *skb, struct packet *p)
{
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof(ip)) || ip.version != 6) {
		return SHAPE_MALFORMED;
	}
	p->v6 = 1;
	copy_addr(&p->key.saddr, &ip.saddr);
	copy_addr(&p->key.daddr, &ip.daddr);

	__u8 next = ip.nexthdr;
	__u32 offset = p->l3 + sizeof(ip);

	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		__u8 head[8];

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT) {
			break;
		}
		if (bpf_skb_load_bytes(skb, offset, head, sizeof(head))) {
			return SHAPE_MALFORMED;
		}
		if (next == IPPROTO_FRAGMENT) {
			const __u16 bits = bpf_ntohs(*(__be16 *)(head + 2));

			p->fragment_id = *(__u32 *)(head + 4);
			if (bits & 0xfff8) {
				p->fragment = FRAGMENT_LATER;
			} else if (bits & 1) {
				p->fragment = FRAGMENT_FIRST;
			}
			offset += 8;
		} else {
			offset += (head[1] + 1) * 8;
		}
		next = head[0];
		if (p->fragment == FRAGMENT_LATER) {
			break;
		}
	}
	p->key.proto = next;
	p->l4 = offset;
	return parse_transport(skb, p);
}

/* Fills the packet in the work area. Returns an enum shape. */
__noinline int parse_slow(struct __sk_buff *skb)
{
	struct work *w = work();
	__be16 protocol;

	if (!w) {
		return SHAPE_MALFORMED;
	}
	struct packet *p = &w->p;

	__builtin_memset(p, 0, sizeof(*p));
	p->key.ifindex = skb->ifindex;
	p->l3 = ETH_HLEN;
	bpf_skb_pull_data(skb, skb->len < MAX_HEADERS ? skb->len : MAX_HEADERS);
	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_proto), &protocol, 2)) {
		return SHAPE_MALFORMED;
	}
	if (skb->vlan_present || protocol == bpf_htons(ETH_P_8021Q) ||
	    protocol == bpf_htons(ETH_P_8021AD)) {
		return SHAPE_VLAN;
	}
	if (protocol == bpf_htons(ETH_P_IP)) {
		return parse_ipv4(skb, p);
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		return parse_ipv6(skb, p);
	}
	return protocol == bpf_htons(ETH_P_ARP) ? SHAPE_NEIGHBOUR : SHAPE_NOT_IP;
}

#endif
