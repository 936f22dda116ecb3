// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/* Removes idle connections. The agent proposes keys (run by BPF_PROG_TEST_RUN); the decision is
 * taken here, next to the packets, on the clock they use: what has moved meanwhile stays (P25). */
#include "maps/verdicts.h"
#define HOOK DF_HOOK_MAX /* sees no packets */

#include "bpf/lib/connection.h"

#define KEYS_PER_RUN 16

/* `haste` halves the time of half-open and closed connections that often: when the table fills up
 * with them, they go sooner, so that new ones need not be refused. Established ones never do. */
static __always_inline __u64 idle_limit(const struct df_ct_key *key, __u8 tcp, __u8 both,
					__u8 haste)
{
	if (key->proto == IPPROTO_UDP) {
		return DF_IDLE_UDP_NS;
	}
	if (key->proto != IPPROTO_TCP) {
		return DF_IDLE_ICMP_NS;
	}
	if (tcp & DF_TCP_RST) {
		return DF_IDLE_RST_NS >> haste;
	}
	if (tcp & DF_TCP_FIN) {
		return both & DF_TCP_FIN ? DF_IDLE_FIN_NS >> haste : DF_IDLE_TCP_NS;
	}
	return tcp & DF_TCP_ESTABLISHED ? DF_IDLE_TCP_NS : DF_IDLE_SYN_NS >> haste;
}

static __always_inline int expired(struct work *w, __u8 haste)
{
	struct df_ct *entry = bpf_map_lookup_elem(&ct, &w->key);

	if (!entry) {
		return 0;
	}
	other_half(&w->other, &w->key, entry);
	struct df_ct *other = bpf_map_lookup_elem(&ct, &w->other);

	/* No packet meets it: judge the two halves that packets do meet. */
	if (other && entry->flags & DF_CT_FAST && entry->role == DF_CT_ANSWER &&
	    w->key.dir == DF_CT_TO_POD) {
		entry = other;
		w->key = w->other;
		other_half(&w->other, &w->key, entry);
		other = bpf_map_lookup_elem(&ct, &w->other);
	}
	const __u8 tcp = entry->tcp | (other ? other->tcp : 0);
	const __u8 both = entry->tcp & (other ? other->tcp : entry->tcp);
	const __u64 seen = other && other->seen > entry->seen ? other->seen : entry->seen;
	const __u64 now = now_coarse();

	return now >= seen && now - seen >= idle_limit(&w->key, tcp, both, haste);
}

/* Packet: an Ethernet header of zeros but for the first byte, which is the haste, then up to
 * KEYS_PER_RUN keys. Returns how many ended. */
SEC("tc")
int sweep(struct __sk_buff *skb)
{
	struct work *w = work();
	__u8 haste = 0;
	int ended = 0;

	if (!w || bpf_skb_load_bytes(skb, 0, &haste, sizeof(haste))) {
		return 0;
	}
	haste &= 7;
	for (int i = 0; i < KEYS_PER_RUN; i++) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + i * sizeof(w->key), &w->key,
				       sizeof(w->key))) {
			break;
		}
		if (expired(w, haste)) {
			forget();
			ended++;
		}
	}
	return ended;
}

char LICENSE[] SEC("license") = "GPL";
