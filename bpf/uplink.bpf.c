// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/* On the node's uplink, opt-in: who claims from outside to be one of ours is dropped before the
 * stack sees it. Only the source address is read, so fragments and extension headers make no
 * difference; what is not understood passes. */
#include "maps/verdicts.h"
#define HOOK DF_HOOK_UPLINK

#include "bpf/lib/packet.h"
#include "bpf/lib/pod_network.h"
#include "bpf/lib/report.h"

#define MAX_TAGS 2 /* a service tag and a customer tag (IEEE 802.1ad) */

struct tag {
	__be16 id;
	__be16 type; /* of what follows */
};

struct claim {
	struct df_addr source;
	struct df_addr destination;
	__u32 identity; /* claimed */
	__u8 proto;	/* of the header after IP's own */
};

static __always_inline int is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* The IP header behind Ethernet and tags; its version in `type`, as an Ethernet type. */
static __always_inline void *ip_header(void *data, void *end, __be16 *type)
{
	struct ethhdr *eth = data;
	void *next = eth + 1;

	if (next > end) {
		return NULL;
	}
	*type = eth->h_proto;
#pragma unroll
	for (int i = 0; i < MAX_TAGS; i++) {
		struct tag *tag = next;

		if (!is_tag(*type)) {
			break;
		}
		if ((void *)(tag + 1) > end) {
			return NULL;
		}
		*type = tag->type;
		next = tag + 1;
	}
	return next;
}

/* 0 if the frame names no addresses. */
static __always_inline int read_claim(void *data, void *end, struct claim *claim)
{
	__be16 type = 0;
	void *header = ip_header(data, end, &type);

	if (!header) {
		return 0;
	}
	if (type == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = header;

		if ((void *)(ip + 1) > end) {
			return 0;
		}
		set_v4(&claim->source, ip->saddr);
		set_v4(&claim->destination, ip->daddr);
		claim->proto = ip->protocol;
		return 1;
	}
	if (type == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = header;

		if ((void *)(ip + 1) > end) {
			return 0;
		}
		copy_addr(&claim->source, &ip->saddr);
		copy_addr(&claim->destination, &ip->daddr);
		claim->proto = ip->nexthdr;
		return 1;
	}
	return 0;
}

/* May nobody outside send from this address? */
static __always_inline int is_ours(struct claim *claim)
{
	struct df_ip_id *owner = bpf_map_lookup_elem(&ip_id, &claim->source);
	struct df_config *cfg = settings();

	claim->identity = owner ? owner->fn : DF_IDENTITY_OUTSIDE;
	if (owner && owner->kind == DF_ADDR_VIP) {
		return 1;
	}
	if (bpf_map_lookup_elem(&local_addr, &claim->source)) {
		return 1;
	}
	return cfg && cfg->flags & DF_CONFIG_TUNNELLED &&
	       (owner || in_pod_network(cfg, &claim->source));
}

static __always_inline void report(const struct claim *claim, __u32 ifindex, __u32 length)
{
	if (!event_allowed()) {
		return;
	}
	struct df_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		ring_was_full(DF_RING_EVENTS);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = bpf_ktime_get_ns();
	event->saddr = claim->source;
	event->daddr = claim->destination;
	event->proto = claim->proto;
	event->verdict = DF_VERDICT_DROP;
	event->reason = DF_REASON_SPOOFED;
	event->hook = HOOK;
	event->from = claim->identity;
	event->ifindex = ifindex;
	event->length = length;
	bpf_ringbuf_submit(event, 0);
}

SEC("xdp")
int uplink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct claim claim = {};

	if (!read_claim(data, end, &claim) || !is_ours(&claim)) {
		return XDP_PASS;
	}
	const __u32 length = end - data;

	count_packet(DF_REASON_SPOOFED, length);
	report(&claim, ctx->ingress_ifindex, length);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
