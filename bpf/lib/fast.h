/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* The fast path: between two veths of this node a packet goes from one pod's hook into the other
 * pod, without the host's stack. Decided when a connection opens, for both directions; the policy
 * of both ends was asked then, as the callee's to_pod is not met (P55). */
#ifndef DIRECTFAAS_BPF_FAST_H
#define DIRECTFAAS_BPF_FAST_H

#include "bpf/lib/policy.h"

#define PACKET_HOST 0 /* linux/if_packet.h */

static __always_inline int may_bypass(__u32 identity)
{
	struct df_fn *function = fn_of(identity);

	return function && !(function->flags & DF_FN_STACK);
}

/* May the connection in the work area, to the instance chosen, take the fast path? Without it,
 * w->c.peer becomes 0. */
static __always_inline int fast_pair(struct work *w)
{
	struct df_config *cfg = settings();
	__u32 own = w->p.key.ifindex;
	__u32 peer = w->c.peer;

	w->c.peer = 0;
	if (!peer || peer == own || !cfg || cfg->flags & DF_CONFIG_STACK ||
	    !may_bypass(w->c.from) || !may_bypass(w->c.to)) {
		return 0;
	}
	struct df_veth *caller = bpf_map_lookup_elem(&veth, &own);
	struct df_veth *callee = bpf_map_lookup_elem(&veth, &peer);

	if (!caller || !callee || !(caller->flags & callee->flags & DF_VETH_FAST) ||
	    caller->mtu != callee->mtu) {
		return 0;
	}
	__builtin_memcpy(w->c.own_mac, caller->mac, sizeof(w->c.own_mac));
	__builtin_memcpy(w->c.peer_mac, callee->mac, sizeof(w->c.peer_mac));
	w->c.peer = peer;
	return 1;
}

/* Does a connection that was opened on the fast path still take it? Both directions look at the
 * instance, so they change at once; they never change back, see DF_EP_FAST. */
static __always_inline int still_fast(const struct df_ct *entry, __u32 ifindex)
{
	__u32 id = entry->ep;
	const __u32 callee = entry->role == DF_CT_CALL ? entry->peer : ifindex;

	if (!(entry->flags & DF_CT_FAST)) {
		return 0;
	}
	struct df_ep *e = bpf_map_lookup_elem(&ep, &id);

	return e && e->flags == entry->fast && e->ifindex == callee;
}

/* Into the pod behind `peer`, whose stack must see its own address and a packet for itself (P56).
 */
static __always_inline int deliver(struct __sk_buff *skb, __u32 peer, const __u8 *mac)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end) {
		return TC_ACT_SHOT;
	}
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	if (unlikely(skb->pkt_type != PACKET_HOST)) {
		bpf_skb_change_type(skb, PACKET_HOST);
	}
	return bpf_redirect_peer(peer, 0);
}

#endif
