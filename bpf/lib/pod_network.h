/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
#ifndef DIRECTFAAS_BPF_POD_NETWORK_H
#define DIRECTFAAS_BPF_POD_NETWORK_H

#include "bpf/lib/tables.h"

/* Is this address in a network where pods live? Asked for unknown sources only. */
static __always_inline int in_pod_network(const struct df_config *cfg, const struct df_addr *addr)
{
	const __u64 *a = (const __u64 *)addr->bytes;

	for (int i = 0; i < DF_POD_NETWORKS; i++) {
		const __u64 *base = (const __u64 *)cfg->pod_networks[i].addr.bytes;
		const __u64 *mask = (const __u64 *)cfg->pod_networks[i].mask.bytes;

		if (i >= (int)cfg->pod_network_count) {
			return 0;
		}
		if ((a[0] & mask[0]) == base[0] && (a[1] & mask[1]) == base[1]) {
			return 1;
		}
	}
	return 0;
}

#endif
