/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Tables of bench/bpf/dnat_only.bpf.c. */
#ifndef DIRECTFAAS_BENCH_DNAT_ONLY_H
#define DIRECTFAAS_BENCH_DNAT_ONLY_H

#include "maps/abi.h"

struct dnat_v4_key {
	__be32 addr;
	__be16 port;
	__u16 pad;
};
static_assert(sizeof(struct dnat_v4_key) == 4 + 2 + 2, "hole");
struct dnat_v4 {
	__be32 addr;
	__be16 port;
	__u16 pad;
};
static_assert(sizeof(struct dnat_v4) == 4 + 2 + 2, "hole");

struct dnat_v6_key {
	struct df_addr addr;
	__be16 port;
	__u16 pad;
};
static_assert(sizeof(struct dnat_v6_key) == 16 + 2 + 2, "hole");
struct dnat_v6 {
	struct df_addr addr;
	__be16 port;
	__u16 pad;
};
static_assert(sizeof(struct dnat_v6) == 16 + 2 + 2, "hole");

#endif
