/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Turn a packet into the answer that tells its sender "no": a TCP reset (RFC 9293 §3.5.2) or an
 * ICMP error "administratively prohibited" (RFC 792/1812; RFC 4443 §3.1). */
#ifndef DIRECTFAAS_BPF_REFUSE_H
#define DIRECTFAAS_BPF_REFUSE_H

#include "bpf/lib/rewrite.h"
#include "bpf/lib/verdict.h"

#define TCP_LEN 20
#define QUOTED_V4 (20 + 8)
#define QUOTED_V6 (40 + 8)

/* Is the checksum still to be finished by a device (CHECKSUM_PARTIAL)? BPF cannot ask, but a
 * replacement without BPF_F_PSEUDO_HDR leaves such a field alone. Destroys the field. */
static __always_inline int checksum_is_partial(struct __sk_buff *skb, __u32 check_offset)
{
	const __u16 before = bpf_htons(0x1234);
	__u16 after = 0;

	if (bpf_skb_store_bytes(skb, check_offset, &before, 2, 0) ||
	    bpf_l4_csum_replace(skb, check_offset, 0, bpf_htons(1), 2) ||
	    bpf_skb_load_bytes(skb, check_offset, &after, 2)) {
		return 0;
	}
	return after == before;
}

static __always_inline int swap_eth(struct __sk_buff *skb)
{
	__u8 mac[12];
	__u8 swapped[12];

	if (bpf_skb_load_bytes(skb, 0, mac, sizeof(mac))) {
		return -1;
	}
	__builtin_memcpy(swapped, mac + 6, 6);
	__builtin_memcpy(swapped + 6, mac, 6);
	return bpf_skb_store_bytes(skb, 0, swapped, sizeof(swapped), 0);
}

static __always_inline __u64 pseudo_sum(const struct packet *p, __u32 len, __u8 proto)
{
	const __u32 *s = (const __u32 *)p->key.saddr.bytes;
	const __u32 *d = (const __u32 *)p->key.daddr.bytes;
	__u64 sum = bpf_htonl(len);

	sum += bpf_htonl(proto);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		if (p->v6 || i == 3) {
			sum += s[i];
			sum += d[i];
		}
	}
	return sum;
}

/* Swaps the addresses and sets the length behind the IP header(s). IPv4: the header sum follows. */
static __always_inline int turn_ip(struct __sk_buff *skb, const struct packet *p, __u16 l4_len,
				   __u8 proto)
{
	if (p->v6) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof(ip))) {
			return -1;
		}
		ip.payload_len = bpf_htons(p->l4 - p->l3 - sizeof(ip) + l4_len);
		if (p->l4 == p->l3 + sizeof(ip)) {
			ip.nexthdr = proto;
		}
		ip.hop_limit = 64;
		copy_addr((struct df_addr *)&ip.saddr, p->key.daddr.bytes);
		copy_addr((struct df_addr *)&ip.daddr, p->key.saddr.bytes);
		return bpf_skb_store_bytes(skb, p->l3, &ip, sizeof(ip), 0);
	}
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, p->l3, &ip, sizeof(ip))) {
		return -1;
	}
	const __u32 check = p->l3 + offsetof(struct iphdr, check);
	const __be16 old_len = ip.tot_len;
	const __be16 old_ttl_proto = *(__be16 *)&ip.ttl;

	ip.tot_len = bpf_htons(p->l4 - p->l3 + l4_len);
	ip.ttl = 64;
	ip.protocol = proto;
	ip.saddr = get_v4(&p->key.daddr);
	ip.daddr = get_v4(&p->key.saddr);
	const __be16 new_ttl_proto = *(__be16 *)&ip.ttl;

	if (bpf_skb_store_bytes(skb, p->l3, &ip, sizeof(ip), 0) ||
	    bpf_l3_csum_replace(skb, check, old_len, ip.tot_len, 2)) {
		return -1;
	}
	return bpf_l3_csum_replace(skb, check, old_ttl_proto, new_ttl_proto, 2);
}

/* How many sequence numbers the segment takes: payload, SYN and FIN. */
static __always_inline __u32 segment_length(struct __sk_buff *skb, const struct packet *p,
					    const struct tcphdr *tcp)
{
	__u32 l3_len = skb->len - p->l3;
	__be16 total = 0;

	/* The header's own length, not the frame's: short frames are padded (RFC 894). */
	if (!p->v6 &&
	    !bpf_skb_load_bytes(skb, p->l3 + offsetof(struct iphdr, tot_len), &total, 2) && total) {
		l3_len = bpf_ntohs(total);
	}
	const __u32 headers = p->l4 - p->l3 + tcp->doff * 4;
	const __u32 payload = l3_len > headers ? l3_len - headers : 0;

	return payload + (p->tcp_flags & TCP_SYN ? 1 : 0) + (p->tcp_flags & TCP_FIN ? 1 : 0);
}

/* The packet in the work area becomes a reset to its sender. 0 on success. */
__noinline int make_reset(struct __sk_buff *skb)
{
	struct work *w = work();
	struct tcphdr tcp;

	if (!w || bpf_skb_load_bytes(skb, w->p.l4, &tcp, sizeof(tcp))) {
		return -1;
	}
	const struct packet *p = &w->p;
	const __u32 taken = segment_length(skb, p, &tcp);
	const int partial = checksum_is_partial(skb, p->l4 + offsetof(struct tcphdr, check));
	struct tcphdr reset = {};

	reset.source = tcp.dest;
	reset.dest = tcp.source;
	reset.doff = TCP_LEN / 4;
	reset.rst = 1;
	if (tcp.ack) {
		reset.seq = tcp.ack_seq;
	} else {
		reset.ack = 1;
		reset.ack_seq = bpf_htonl(bpf_ntohl(tcp.seq) + taken);
	}
	if (bpf_skb_change_tail(skb, p->l4 + TCP_LEN, 0) || swap_eth(skb) ||
	    turn_ip(skb, p, TCP_LEN, IPPROTO_TCP)) {
		return -1;
	}
	const __u64 pseudo = pseudo_sum(p, TCP_LEN, IPPROTO_TCP);

	if (partial) {
		reset.check = fold16(pseudo);
	} else {
		const __s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)&reset, TCP_LEN, 0);

		reset.check = ~fold16(pseudo + (__u32)sum);
	}
	return bpf_skb_store_bytes(skb, p->l4, &reset, TCP_LEN, 0);
}

/* Puts the ICMP message where the UDP header was. Were the checksum still to be finished by a
 * device, it would sum from here and write into bytes 6-7 of the message: zero (IPv4) or the
 * pseudo-header's sum (IPv6) there makes the result right in that case, too. */
static __always_inline int put_icmp(struct __sk_buff *skb, const struct packet *p, __u8 *message,
				    __u32 len, int partial)
{
	__u64 sum = 0;

	if (p->v6) {
		sum = pseudo_sum(p, len, IPPROTO_ICMPV6);
		if (partial) {
			*(__u16 *)(message + 6) = fold16(sum);
		}
	}
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)message, len, 0);
	*(__u16 *)(message + 2) = ~fold16(sum);
	return bpf_skb_store_bytes(skb, p->l4, message, len, 0);
}

__noinline int make_unreachable_v4(struct __sk_buff *skb)
{
	__u8 message[8 + QUOTED_V4] = {ICMP4_UNREACHABLE, 13};
	struct work *w = work();

	if (!w || bpf_skb_load_bytes(skb, w->p.l3, message + 8, 20) ||
	    bpf_skb_load_bytes(skb, w->p.l4, message + 8 + 20, 8)) {
		return -1;
	}
	/* Options are not quoted, so the quoted header says it has none. */
	message[8] = 0x45;
	if (bpf_skb_change_tail(skb, w->p.l4 + sizeof(message), 0) || swap_eth(skb) ||
	    turn_ip(skb, &w->p, sizeof(message), IPPROTO_ICMP)) {
		return -1;
	}
	return put_icmp(skb, &w->p, message, sizeof(message), 0);
}

__noinline int make_unreachable_v6(struct __sk_buff *skb)
{
	__u8 message[8 + QUOTED_V6] = {ICMP6_UNREACHABLE, 1};
	struct work *w = work();

	/* Behind extension headers the next-header field is not ours to change: silent. */
	if (!w || w->p.l4 != w->p.l3 + sizeof(struct ipv6hdr) ||
	    bpf_skb_load_bytes(skb, w->p.l3, message + 8, sizeof(message) - 8)) {
		return -1;
	}
	const int partial = checksum_is_partial(skb, l4_check_offset(&w->p));

	if (bpf_skb_change_tail(skb, w->p.l4 + sizeof(message), 0) || swap_eth(skb) ||
	    turn_ip(skb, &w->p, sizeof(message), IPPROTO_ICMPV6)) {
		return -1;
	}
	return put_icmp(skb, &w->p, message, sizeof(message), partial);
}

/* Answers the sender of the packet in the work area and ends the packet. From from_pod the answer
 * goes out of the veth, from to_pod it comes in as if the pod had sent it. Resets and fragments
 * are never answered. */
__noinline int refuse(struct __sk_buff *skb, __u32 reason)
{
	struct work *w = work();
	struct df_config *cfg = settings();

	if (!w || !cfg) {
		return TC_ACT_SHOT;
	}
	const int policy = reason == DF_REASON_NO_EDGE || reason == DF_REASON_PORT_CLOSED ||
			   reason == DF_REASON_EDGE_REVOKED || reason == DF_REASON_UNKNOWN_SOURCE;
	const int silent = policy && cfg->flags & DF_CONFIG_DENY_SILENTLY;
	int failed = 1;

	count(skb, reason);
	emit(skb, reason, silent ? DF_VERDICT_DROP : DF_VERDICT_REFUSE);
	if (silent || w->p.tcp_flags & TCP_RST || w->p.fragment != FRAGMENT_WHOLE) {
		return TC_ACT_SHOT;
	}
	if (is_tcp(&w->p)) {
		failed = make_reset(skb);
	} else if (w->p.key.proto == IPPROTO_UDP) {
		failed = w->p.v6 ? make_unreachable_v6(skb) : make_unreachable_v4(skb);
	}
	if (failed) {
		return TC_ACT_SHOT;
	}
	if (HOOK == DF_HOOK_TO_POD) {
		/* from_pod lets what carries this mark through; nobody else sees it. */
		skb->mark = cfg->mark_replay;
		return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
	}
	return bpf_redirect(skb->ifindex, 0);
}

#endif
