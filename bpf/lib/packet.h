/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* From bytes to a tuple. The common shapes (IPv4 without options, IPv6 without extension headers,
 * TCP or UDP, headers in the linear area) are read in place; everything else goes through
 * parse_slow(), one call away (parse_slow.h). */
#ifndef DIRECTFAAS_BPF_PACKET_H
#define DIRECTFAAS_BPF_PACKET_H

#include "bpf/lib/abi.h"
#include "maps/connection.h"

/* What parse() found. */
enum shape {
	SHAPE_FLOW,	  /* TCP, UDP or ICMP echo: the tuple is complete */
	SHAPE_ICMP_ERROR, /* quotes another packet, at packet.l4 + 8 */
	SHAPE_FRAGMENT,	  /* not the first: no ports */
	SHAPE_NEIGHBOUR,  /* ARP, IPv6 neighbour discovery, multicast listener reports */
	SHAPE_OTHER_IP,	  /* IP with another protocol */
	SHAPE_NOT_IP,	  /* any other frame */
	SHAPE_VLAN,
	SHAPE_MALFORMED,
};

enum fragment {
	FRAGMENT_WHOLE,
	FRAGMENT_FIRST,
	FRAGMENT_LATER,
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct packet {
	struct df_ct_key key; /* the tuple on the wire at this hook */
	__u16 l3;	      /* offsets from the start of the frame */
	__u16 l4;
	__u8 v6;
	__u8 tcp_flags;
	__u8 fragment; /* enum fragment */
	__u8 icmp_type;
	__u32 fragment_id;
};

#define MAX_EXTENSION_HEADERS 6
#define MAX_HEADERS 256 /* bytes pulled into the linear area for unusual packets */

#define ICMP4_ECHO_REPLY 0
#define ICMP4_UNREACHABLE 3
#define ICMP4_ECHO 8
#define ICMP4_TIME_EXCEEDED 11
#define ICMP4_PARAMETER 12
#define ICMP6_UNREACHABLE 1
#define ICMP6_PARAMETER 4
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129
#define ICMP6_MLD_QUERY 130
#define ICMP6_REDIRECT 137
#define ICMP6_MLD2_REPORT 143

struct ports {
	__be16 source;
	__be16 dest;
};

static __always_inline void set_v4(struct df_addr *addr, __be32 v4)
{
	__u32 *words = (__u32 *)addr->bytes;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = v4;
}

static __always_inline __be32 get_v4(const struct df_addr *addr)
{
	return ((const __u32 *)addr->bytes)[3];
}

static __always_inline void copy_addr(struct df_addr *to, const void *from)
{
	const __u32 *source = from;
	__u32 *words = (__u32 *)to->bytes;

	words[0] = source[0];
	words[1] = source[1];
	words[2] = source[2];
	words[3] = source[3];
}

static __always_inline int same_addr(const struct df_addr *a, const struct df_addr *b)
{
	const __u64 *x = (const __u64 *)a->bytes;
	const __u64 *y = (const __u64 *)b->bytes;

	return x[0] == y[0] && x[1] == y[1];
}

/* A SYN that opens: not a SYN-ACK. */
static __always_inline int opens_tcp(const struct packet *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline int is_tcp(const struct packet *p)
{
	return p->key.proto == IPPROTO_TCP;
}

static __always_inline int is_icmp(const struct packet *p)
{
	return p->key.proto == IPPROTO_ICMP || p->key.proto == IPPROTO_ICMPV6;
}

#endif
