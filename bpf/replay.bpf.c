// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/* Lets a held frame come in again from the pod's veth. Runs on egress of the agent's own veth
 * pair; the agent names the target in the socket's mark (SO_MARK), bit 31 asks for a refusal. */
#include "bpf/lib/tables.h"

#define GIVE_UP (1U << 31)

SEC("tc")
int replay(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct df_config *cfg = bpf_map_lookup_elem(&config, &zero);
	const __u32 target = skb->mark & ~GIVE_UP;

	if (!cfg || !target) {
		return TC_ACT_SHOT; /* the host's own multicast on this link, for instance */
	}
	skb->mark = skb->mark & GIVE_UP ? cfg->mark_refuse : cfg->mark_replay;
	return bpf_redirect(target, BPF_F_INGRESS);
}

char LICENSE[] SEC("license") = "GPL";
